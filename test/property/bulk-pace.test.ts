import fc from 'fast-check'
import { expect, it } from 'vitest'

import { BulkPace } from '../../connectors/elasticsearch-sink/bulk/bulk-pace.ts'
import { RequestGate } from '../../connectors/elasticsearch-sink/bulk/request-gate.ts'

const limits = fc.record({
  maxInFlight: fc.integer({ min: 1, max: 64 }),
  batchSize: fc.integer({ min: 1, max: 100_000 }),
  bulkSizeBytes: fc.integer({ min: 1, max: 100_000_000 }),
})
const event = fc.oneof(
  fc.constant({ kind: 'applied' } as const),
  fc.record({ kind: fc.constant('overloaded' as const), age: fc.integer({ min: 0, max: 3 }) }),
  fc.record({ kind: fc.constant('too-large' as const), bytes: fc.integer({ min: 1, max: 200_000_000 }) }),
)
const all = ({ inFlight, operations, bytes }: BulkPace): readonly number[] => [inFlight, operations, bytes]

it('the limits stay between one and those of the settings, whatever happens', () => {
  fc.assert(
    fc.property(limits, fc.array(event, { maxLength: 200 }), (given, events) => {
      const pace = new BulkPace(given)
      const sent = [pace.begin()]
      for (const one of events) {
        if (one.kind === 'applied') pace.applied()
        else if (one.kind === 'overloaded') pace.overloaded(sent.at(-1 - one.age) ?? pace.begin())
        else pace.tooLarge(one.bytes)
        sent.push(pace.begin())
        const { maxInFlight, batchSize, bulkSizeBytes } = given
        for (const [i, most] of [maxInFlight, batchSize, bulkSizeBytes].entries()) {
          expect(all(pace)[i]).toBeGreaterThanOrEqual(1)
          expect(all(pace)[i]).toBeLessThanOrEqual(most)
        }
      }
    }),
  )
})

it('an overload never raises a limit, lowers one where there is room, and counts once for requests of one epoch', () => {
  fc.assert(
    fc.property(limits, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 2, max: 8 }), (given, times, together) => {
      const pace = new BulkPace(given)
      for (let i = 0; i < times; i++) {
        const before = all(pace)
        const sent = pace.begin()
        for (let request = 0; request < together; request++) pace.overloaded(sent)
        const after = all(pace)
        for (const [at, limit] of after.entries()) expect(limit).toBeLessThanOrEqual(before[at] ?? 0)
        if (before[0] !== undefined && before[0] > 1)
          expect(after).toEqual([Math.floor(before[0] / 2), before[1], before[2]])
      }
    }),
  )
})

it('requests that are applied bring back the limits of the settings, but for the size that was too large', () => {
  fc.assert(
    fc.property(limits, fc.array(event, { maxLength: 50 }), (given, events) => {
      const pace = new BulkPace(given)
      let smallest = given.bulkSizeBytes
      for (const one of events) {
        if (one.kind === 'applied') pace.applied()
        else if (one.kind === 'overloaded') pace.overloaded(pace.begin())
        else {
          pace.tooLarge(one.bytes)
          smallest = Math.max(1, Math.min(smallest, Math.floor(one.bytes / 2)))
        }
      }
      const { maxInFlight, batchSize } = given
      for (let i = 0; i < 16 + maxInFlight * maxInFlight; i++) pace.applied()
      expect(all(pace)).toEqual([maxInFlight, batchSize, smallest])
    }),
  )
})

it('never more requests pass than the pace allows, and none waits without reason', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 30 }), async (paces) => {
      const pace = { inFlight: 3 }
      const gate = new RequestGate(pace)
      const none = new AbortController().signal
      let inside = 0
      let passed = 0
      const request = async (next: number): Promise<void> => {
        await gate.enter(none)
        inside += 1
        expect(inside).toBeLessThanOrEqual(pace.inFlight)
        await new Promise(setImmediate)
        pace.inFlight = Math.max(inside, next)
        inside -= 1
        passed += 1
        gate.leave()
      }
      await Promise.all(paces.map(request))
      expect(passed).toBe(paces.length)
    }),
  )
})

it('a request that is aborted while it waits leaves its turn to the next', async () => {
  const gate = new RequestGate({ inFlight: 1 })
  const none = new AbortController().signal
  await gate.enter(none)
  const stop = new AbortController()
  const aborted = gate.enter(stop.signal)
  const next = gate.enter(none)
  gate.leave()
  stop.abort(new Error('stopped'))
  await Promise.allSettled([aborted])
  await next
})
