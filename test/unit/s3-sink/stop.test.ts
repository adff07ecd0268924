import { systemClock, type Clock } from 'penstock/api'
import { expect, it } from 'vitest'

import { memoryS3Sinks } from '../../support/s3/memory-s3-sinks.ts'

const shutdownTimeoutMs = 20
/** Only the timeout of the shutdown ends. */
const clock: Clock = {
  ...systemClock,
  after: (ms, action) => (ms === shutdownTimeoutMs ? systemClock.after(ms, action) : () => undefined),
}
const sinks = memoryS3Sinks()

it('a task stops within shutdown.timeout.ms although the store does not list the uploads that an earlier process left', async () => {
  sinks.log.append({ topic: 't', value: 1 })
  let lists = 0
  sinks.store.holds = (request) => {
    if (request.includes('uploads')) lists += 1
    return lists > 0
  }
  const sink = await sinks.start({ 'shutdown.timeout.ms': String(shutdownTimeoutMs) }, clock)
  await sink.runUntil('the list of uploads', () => lists > 0 && sink.position({ topic: 't', partition: 0 }) === 1)
  await sink.crash()
  expect(sinks.store.objects.size).toBe(0)
})
