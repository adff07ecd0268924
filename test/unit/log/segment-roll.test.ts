import { expect, it } from 'vitest'

import { batchOf, logDirectory, LogHarness } from '../../support/log/log-harness.ts'

const startMs = 1_700_000_000_000
const at = (ms: number) => batchOf([['k', 'v', startMs + ms]])

async function segments(harness: LogHarness, ...times: readonly number[]): Promise<number> {
  const log = await harness.open()
  for (const ms of times) await log.append(at(ms))
  await log.close()
  return harness.fs.list(logDirectory).filter((name) => name.endsWith('.log')).length
}

it('a segment is as old as its first record, also after a restart', async () => {
  const harness = new LogHarness({ segmentMs: 1000 })
  expect(await segments(harness, 0)).toBe(1)
  expect(await segments(harness, 999, 1000)).toBe(1)
  expect(await segments(harness, 1001)).toBe(2)
  expect(await segments(harness, 2001)).toBe(2)
  expect(await segments(harness, 2002)).toBe(3)
})

it('on a topic with LogAppendTime, a segment is as old as the time since its first append, whatever times producers send', async () => {
  const harness = new LogHarness({ segmentMs: 1000, timestampType: 1 })
  expect(await segments(harness, 0, 50_000, -50_000)).toBe(1)
  harness.clock.advance(1000)
  expect(await segments(harness, 0)).toBe(1)
  harness.clock.advance(1)
  expect(await segments(harness, 0)).toBe(2)
})
