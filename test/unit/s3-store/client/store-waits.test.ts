import { expect, it } from 'vitest'
import { StoreWaits } from '../../../../connectors/s3-store/client/store-waits.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

function waits() {
  const clock = new ManualClock()
  const told: (string | null)[] = []
  const of = new StoreWaits({
    quietAttempts: 2,
    store: 'http://store',
    clock,
    show: (reason) => told.push(reason?.replace(/since [^ :]+:\d\d:[^ :]+/, 'since then') ?? null),
  })
  return { clock, told, of }
}

it('shows a request without a response long before its timeout, until it has one', () => {
  const { clock, told, of } = waits()
  const wait = of.begin('PUT k')
  clock.advance(9999)
  expect(told).toEqual([])
  clock.advance(1)
  expect(told).toEqual(['PUT k to http://store has had no response since then'])
  wait.over()
  expect(told.at(-1)).toBeNull()
  expect(clock.pending).toBe(0)
})

it('shows what waits for as long as one request waits: one that gets through hides no other', () => {
  const { told, of } = waits()
  const [first, second] = [of.begin('PUT a'), of.begin('PUT b')]
  for (const wait of [first, second]) for (const why of ['reset', 'SlowDown']) wait.failed(why)
  first.over()
  expect(told.at(-1)).toBe('PUT b to http://store has been failing since then and is retried: SlowDown')
  of.begin('PUT c').over()
  expect(told.at(-1)).not.toBeNull()
  second.over()
  expect(told.at(-1)).toBeNull()
})
