import { afterEach, beforeEach, expect, it } from 'vitest'

import { workerAddresses } from '../../support/documents/addresses.ts'
import { guideRuns } from '../../support/documents/guide-run.ts'

const run = guideRuns()
const home = process.env['XDG_CONFIG_HOME']
beforeEach(() => {
  process.env['XDG_CONFIG_HOME'] = run().directory
})
afterEach(() => {
  if (home === undefined) delete process.env['XDG_CONFIG_HOME']
  else process.env['XDG_CONFIG_HOME'] = home
})

it('the command line works as the guide says', async () => {
  const worker = await workerAddresses()
  const outputs = await run().follow('docs/guides/command-line.md', worker.written, `${worker.rest}/health`)
  const [contexts, applied, dry, status, tail, offsets, imported, scripts] = outputs
  expect(contexts).toMatch(/\* {2}local {2}http:\/\/127\.0\.0\.1:\d+ {2}none\n$/)
  expect(applied).toMatch(/\+ copy: new\n[^]*✔ created copy\n✔ lines is RUNNING, 1 task\n✔ copy is RUNNING, 1 task\n$/)
  expect(dry).toMatch(
    /= lines: no change\n~ copy: 1 option differs\n {4}- file = out\.txt\n {4}\+ file = other\.txt\n[^]*exit code 1\n$/,
  )
  expect(status).toMatch(
    /^Penstock [^]*✔ nothing is wrong\n[^]*^copy {2}sink {2}healthy [^]*^copy +sink +RUNNING +1 [^]*^file +string/m,
  )
  expect(tail).toMatch(
    /^lines +1 +3 +lines, copy\n0:0 .* {2}"one"\n0:1 .* {2}"two"\n0:2 .* {2}"three"\n\{"partition":0,"offset":1,/m,
  )
  expect(offsets).toMatch(/^✔ copy is STOPPED, 0 tasks\nTOPIC +PARTITION +OFFSET\nlines +0 +3\n✔ .*\n✔ copy is RUNNING/)
  expect(imported).toMatch(
    /kept {2}runs, with differences[^]*\? {2}batch\.sise [^]*1 connector: 0 as they are, 1 with differences/,
  )
  expect(scripts).toBe('penstock: Connector none not found\nexit code 5\n✔ deleted lines\n✔ deleted copy\n')
})
