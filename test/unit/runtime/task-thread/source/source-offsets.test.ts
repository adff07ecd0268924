import { describe, expect, it } from 'vitest'

import { GivenSource, positionRecord, RunningSource } from '../../../../support/task/running-source.ts'
import { ManualClock } from '../../../../support/manual-clock.ts'
import { MemoryProducer } from '../../../../support/task/memory-producer.ts'
import { untilPasses } from '../../../../support/until.ts'

const [a, b] = [{ file: 'a' }, { file: 'b' }]
const record = (position: number, partition = a) => positionRecord('t', position, partition)
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => record(from + i))

function running() {
  const [task, producer, clock] = [new GivenSource(), new MemoryProducer(), new ManualClock()]
  const source = new RunningSource({ task, createProducer: (listener) => producer.reportingTo(listener), clock })
  const offsets = (): number[] =>
    producer.appended
      .filter((entry) => entry.record.topic === 'offsets')
      .map((entry) => Number(String(entry.record.value).match(/\d+/)?.[0]))
  const appended = (): number => producer.appended.filter((entry) => entry.record.topic === 't').length
  return { task, producer, clock, source, offsets, appended }
}

/** Lets everything run that waits for nothing else. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await new Promise((resolve) => setImmediate(resolve))
}

describe('the offsets of a source', () => {
  it('are confirmed to the source once each offset record of the round is durable, not the first alone (I2)', async () => {
    const { task, producer, source, offsets } = running()
    task.give([record(1, a), record(2, b)])
    await untilPasses(() => expect(producer.unacknowledged).toBe(2))
    producer.acknowledge(2)
    expect(offsets()).toEqual([1, 2])
    producer.acknowledge(1)
    await settled()
    expect(task.commits).toEqual([])
    producer.acknowledge(1)
    await untilPasses(() => expect(task.committed).toEqual([{ position: 1 }, { position: 2 }]))
    expect(await source.stop()).toBeNull()
  })

  it('begin no second round while one is being written: rounds could overtake each other in the offset topic', async () => {
    const { task, producer, clock, source, offsets } = running()
    task.give([record(1)])
    await untilPasses(() => expect(producer.unacknowledged).toBe(1))
    producer.acknowledge(1)
    expect(offsets()).toEqual([1])
    task.give([record(2)])
    await untilPasses(() => expect(producer.unacknowledged).toBe(2))
    clock.advance(1000)
    producer.acknowledge(2)
    await untilPasses(() => expect(task.committed).toEqual([{ position: 1 }]))
    await untilPasses(() => expect(offsets()).toEqual([1, 2]))
    producer.acknowledge(1)
    await untilPasses(() => expect(task.committed).toEqual([{ position: 2 }]))
    expect(await source.stop()).toBeNull()
  })

  it('that the log refuses are counted, and written again with what came since', async () => {
    const { task, producer, clock, source, offsets } = running()
    task.give([record(1)])
    await untilPasses(() => expect(producer.unacknowledged).toBe(1))
    producer.acknowledge(1)
    producer.fail(new RangeError('no such topic'))
    await settled()
    const failures = (): unknown => source.metrics.samples().find(({ name }) => name === 'source_offset_failures_total')
    expect(failures()).toMatchObject({ value: 1 })
    expect(task.commits).toEqual([])
    clock.advance(10_000)
    await untilPasses(() => expect(offsets()).toEqual([1, 1]))
    producer.acknowledge(1)
    await untilPasses(() => expect(task.committed).toEqual([{ position: 1 }]))
    expect(failures()).toMatchObject({ value: 1 })
    expect(await source.stop()).toBeNull()
  })

  it('are written and confirmed before the task stops, though their time has not come (I9)', async () => {
    const { task, producer, source, offsets } = running()
    producer.automatic = true
    task.give([record(1)])
    await untilPasses(() => expect(task.committed).toEqual([{ position: 1 }]))
    task.give([record(2)], [record(3)])
    await untilPasses(() => expect(producer.appended).toHaveLength(4))
    expect(await source.stop()).toBeNull()
    expect([offsets(), task.committed]).toEqual([[1, 3], [{ position: 3 }]])
    expect(producer.closed).toBe(true)
  })

  it.each([1, 63, 64, 65, 130, 199, 200])('pass %d durable records of a poll but for 63 at most', async (durable) => {
    const { task, producer, source, offsets } = running()
    task.give(range(1, 201))
    await untilPasses(() => expect(producer.unacknowledged).toBe(200))
    producer.acknowledge(durable)
    const written = offsets().at(-1) ?? 0
    expect(written).toBeGreaterThanOrEqual(durable - 63)
    expect(written).toBeLessThanOrEqual(durable)
    producer.automatic = true
    producer.acknowledge(producer.unacknowledged)
    expect(await source.stop()).toBeNull()
    expect(task.committed).toEqual([{ position: 200 }])
  })

  it('bound the records in flight: a task waits at 262,144 of them however fast its source is (I10)', async () => {
    const limit = 262_144
    const { task, producer, source, appended } = running()
    task.give(range(0, limit + 10))
    await untilPasses(() => expect(appended()).toBeGreaterThanOrEqual(limit))
    await settled()
    expect(appended()).toBe(limit)
    producer.automatic = true
    producer.acknowledge(limit)
    await untilPasses(() => expect(appended()).toBe(limit + 10))
    expect(await source.stop()).toBeNull()
    expect(task.committed).toEqual([{ position: limit + 9 }])
  })
})
