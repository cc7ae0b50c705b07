// Makes node_modules what package-lock.json asks for, with a Node that can run the project in node_modules/.bin.
// It runs on whatever Node (20 or newer) and npm the machine has, before anything is installed: built-ins only.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

process.chdir(fileURLToPath(new URL('..', import.meta.url)))

const oldestMachineNode = 20
const oldestProjectNode = 24
const majorOf = (version) => Number(/^v(\d+)\./.exec(version)?.[1] ?? 0)
const writtenAt = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0)

const lock = 'package-lock.json'
/** Written by npm, whatever it was that it did to node_modules. */
const installed = 'node_modules/.package-lock.json'
const stamp = 'node_modules/.installed-for'

/**
 * Git gives the lock a new time whenever it writes it, also with what it was before: so what it said when the packages
 * were installed counts too, unless npm has been at them since.
 */
function stampNow() {
  return `${createHash('sha256').update(readFileSync(lock)).digest('hex')} ${writtenAt(installed)}`
}

function isInstalled() {
  if (!existsSync(installed)) return false
  if (writtenAt(installed) >= writtenAt(lock)) return true
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === stampNow()
}

function fail(sentence) {
  console.error(sentence)
  process.exit(1)
}

function install() {
  console.log('Installing packages, once: about 200 MB, half a minute or more ...')
  const startedAt = Date.now()
  const args = ['ci', '--ignore-scripts', '--loglevel=error']
  // The npm that runs this script, whatever the PATH says.
  const npm = process.env.npm_execpath
  const child = npm?.endsWith('.js')
    ? spawn(process.execPath, [npm, ...args], { stdio: 'inherit' })
    : spawn('npm', args, { stdio: 'inherit' })
  const stillThere = setInterval(() => {
    console.log(`  ... still installing, ${Math.round((Date.now() - startedAt) / 1000)} s`)
  }, 10_000)
  return new Promise((resolve) => {
    child.once('error', (error) => fail(`npm could not be started: ${error.message}`))
    child.once('exit', (code, signal) => {
      clearInterval(stillThere)
      if (code !== 0)
        fail(`The packages could not be installed: npm ci ended with ${signal ?? `exit code ${code}`}.`)
      console.log(`Installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`)
      resolve()
    })
  })
}

/**
 * An optional package brings a Node for most platforms; npm 10 installs it and forgets to link it. Where there is
 * none, or it does not run, the machine's own may do.
 */
function ensureNode() {
  const link = 'node_modules/.bin/node'
  const isNewEnough = (path) =>
    majorOf(spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout ?? '') >= oldestProjectNode
  if (existsSync(link) && isNewEnough(link)) return
  const platform = `${process.platform}-${process.arch}`
  const packaged = ['node', 'node-bin']
    .map((prefix) => resolve(`node_modules/${prefix}-${platform}/bin/node`))
    .filter((path) => existsSync(path))
  const usable = [...packaged, process.execPath].find(isNewEnough)
  if (usable === undefined)
    fail(
      `There is no Node package that runs on this ${platform} system, and its own Node is ${process.version}: ` +
        `install Node ${oldestProjectNode} or newer and try again.`,
    )
  mkdirSync('node_modules/.bin', { recursive: true })
  rmSync(link, { force: true })
  symlinkSync(usable, link)
}

if (majorOf(process.version) < oldestMachineNode)
  fail(`Node ${oldestMachineNode} or newer is needed to install this project; this is ${process.version}.`)
if (!isInstalled()) await install()
writeFileSync(stamp, stampNow())
ensureNode()
