// One file of lines for each process, the newest 10 to 20 MB of it. A full disk costs the log, not the system.

import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface LogFiles extends Disposable {
  write(name: string, line: string): void
}

/** `<name>.log` becomes `<name>.log.1`, in place of an older one, when it has `bytesEach`. */
export function openLogFiles(options: { readonly directory: string; readonly bytesEach?: number }): LogFiles {
  const { directory, bytesEach = 10_000_000 } = options
  mkdirSync(directory, { recursive: true })
  const files = new Map<string, { fd: number; bytes: number }>()

  const open = (name: string): { fd: number; bytes: number } => {
    const fd = openSync(join(directory, `${name}.log`), 'a')
    const file = { fd, bytes: fstatSync(fd).size }
    files.set(name, file)
    return file
  }
  return {
    write(name, line) {
      try {
        let file = files.get(name) ?? open(name)
        if (file.bytes >= bytesEach) {
          closeSync(file.fd)
          files.delete(name)
          renameSync(join(directory, `${name}.log`), join(directory, `${name}.log.1`))
          file = open(name)
        }
        file.bytes += writeSync(file.fd, `${line}\n`)
      } catch {
        // Nowhere to say it: this is where it would be said.
      }
    },
    [Symbol.dispose]() {
      for (const { fd } of files.values()) closeSync(fd)
    },
  }
}
