// What runs once before all test files: it finds nats-server and mongod, so that the files do not race for
// them. The runner hands its process.env to every file. It must never start a server.

import { provision } from './provision.ts'

/** Sets NATS_SERVER, and MONGOD where there is one. Tests that need a mongod skip when MONGOD is not set. */
export async function globalSetup(): Promise<void> {
  const log = (line: string): void => {
    console.log(line)
  }
  const natsServer = await provision('nats-server', {}, { log })
  if ('reason' in natsServer) throw new Error(natsServer.reason)
  process.env['NATS_SERVER'] = natsServer.path
  const mongod = await provision('mongod', {}, { log })
  if ('reason' in mongod) log(`Tests that need a mongod are skipped: ${mongod.reason}`)
  else process.env['MONGOD'] = mongod.path
}
