/** A process that uses the watchdog and waits to be killed. Arguments: a folder to write process numbers to; `hold` to hold it. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { systemClock } from '../../src/foundation/clock.ts'
import { holdFolder } from '../../src/servers/process/held-folder.ts'
import { Watchdog } from '../../src/servers/process/watchdog.ts'

const folder = process.argv[2] ?? ''
const watchdog = Watchdog.open()
if (process.argv[3] === 'hold') {
  await holdFolder(folder, { watchdog, clock: systemClock, signal: new AbortController().signal, report: () => {} })
}
watchdog.removeAtEnd(join(folder, 'data'))
watchdog.runAtEnd('/bin/sh', ['-c', `echo done > ${folder}/at-end`])
const running = await watchdog.start({
  command: '/bin/sh',
  args: ['-c', 'trap "" TERM; sh -c "echo \\$\\$ > child; exec sleep 60" & wait; wait'],
  cwd: folder,
  env: { PATH: process.env['PATH'] ?? '' },
  account: null,
  logFile: join(folder, 'log'),
  stopSignal: 'SIGTERM',
  stopTimeoutMs: 300,
})
writeFileSync(join(folder, 'server'), String(running.pid))
process.on('message', () => {}) // keeps the process alive
