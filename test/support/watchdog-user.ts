/** A process that uses the watchdog and waits to be killed. Arguments: a directory to write process numbers to; `hold` to hold it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { systemClock } from '../../src/foundation/clock.ts'
import { holdDirectory } from '../../src/servers/process/held-directory.ts'
import { Watchdog } from '../../src/servers/process/watchdog.ts'

const directory = process.argv[2] ?? ''
const watchdog = Watchdog.open()
if (process.argv[3] === 'hold') {
  await holdDirectory(directory, {
    watchdog,
    clock: systemClock,
    signal: new AbortController().signal,
    report: () => {},
  })
}
watchdog.removeAtEnd(join(directory, 'data'))
watchdog.runAtEnd('/bin/sh', ['-c', `echo done > ${directory}/at-end`])
const running = await watchdog.start({
  command: '/bin/sh',
  args: ['-c', 'trap "" TERM; sh -c "echo \\$\\$ > child; exec sleep 60" & wait; wait'],
  cwd: directory,
  env: { PATH: process.env['PATH'] ?? '' },
  account: null,
  logFile: join(directory, 'log'),
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 300,
})
writeFileSync(join(directory, 'server'), String(running.pid))
process.on('message', () => {}) // keeps the process alive
