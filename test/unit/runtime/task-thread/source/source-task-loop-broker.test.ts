import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { apis } from '../../../../support/protocol/apis.ts'
import type { SourceOffset } from '../../../../../src/api/record.ts'
import { readAll, textOf } from '../../../../contract/client-harness.ts'
import { ProxiedBroker } from '../../../../contract/proxied-broker.ts'
import { GivenSource, positionRecord, RunningSource } from '../../../../support/task/running-source.ts'
import { until, untilPasses } from '../../../../support/until.ts'

const partition = { file: 'a' }

let kafka: ProxiedBroker
beforeAll(async () => {
  kafka = await ProxiedBroker.start()
})
afterAll(async () => await kafka.close())

async function made(purpose: string) {
  const [topic, offsetTopic] = [kafka.clients.name(purpose), kafka.clients.name('offsets')]
  // The task's connections go through the proxy, the test's do not.
  const direct = await kafka.connectDirectly()
  for (const name of [topic, offsetTopic]) await direct.admin.createTopic({ name, partitions: 1, replicationFactor: 1 })
  const client = await kafka.clients.connect()
  const task = new GivenSource()
  const begin = (endTimeoutMs?: number) =>
    new RunningSource({
      task,
      createProducer: (listener) => client.producer(listener, { lingerMs: 0, apartTopic: offsetTopic }),
      offsetTopic,
      ...(endTimeoutMs === undefined ? {} : { endTimeoutMs }),
    })
  const give = (from: number, to: number): void =>
    task.give(Array.from({ length: to - from }, (_, i) => positionRecord(topic, from + i, partition)))
  const written = async (): Promise<(string | null)[]> => textOf(await readAll(direct, topic))
  /** What a task that starts now is given as its offset. */
  const stored = async (): Promise<SourceOffset | null> => {
    const value = (await readAll(direct, offsetTopic)).at(-1)?.value ?? null
    return value === null ? null : (JSON.parse(value.toString()) as SourceOffset)
  }
  return { task, begin, give, written, stored }
}

const values = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `v${from + i}`)

describe('the loop of a source task on the embedded broker', () => {
  it('stores the offset of its last record before it stops, and tells the task so (I9)', async () => {
    const { task, begin, give, written, stored } = await made('stopped')
    const source = begin()
    give(0, 10)
    await untilPasses(() => expect(task.committed).toEqual([{ position: 9 }]))
    // Less than the least time between two rounds passes until the stop.
    give(10, 20)
    await untilPasses(async () => expect(await written()).toHaveLength(20))
    expect(await source.stop()).toBeNull()
    expect([await stored(), task.committed]).toEqual([{ position: 19 }, [{ position: 19 }]])
    expect(await written()).toEqual(values(0, 20))
  })

  it('never confirms an offset to its source whose records or whose offset record are not in the log (I2)', async () => {
    const { task, begin, give, written, stored } = await made('confirmed')
    const wrong: string[] = []
    task.onCommit = async (offsets) => {
      const position = Number(offsets.at(-1)?.offset['position'])
      const [records, offset] = [await written(), await stored()]
      if (records.length <= position) wrong.push(`${position} confirmed with ${records.length} records in the log`)
      if (Number(offset?.['position'] ?? -1) < position) wrong.push(`${position} confirmed, not stored`)
    }
    let answers = 0
    kafka.proxy.onAnswer = (apiKey) => {
      if (apiKey !== apis.produce.key) return 'pass'
      answers += 1
      return answers % 3 === 0 ? 'drop' : 'pass'
    }
    const source = begin()
    for (let from = 0; from < 300; from += 30) {
      give(from, from + 30)
      await until(
        `records up to ${from + 29} are confirmed`,
        () => Number(task.committed[0]?.['position']) === from + 29,
      )
    }
    kafka.proxy.onAnswer = () => 'pass'
    expect(await source.stop()).toBeNull()
    expect(wrong).toEqual([])
    expect(await written()).toEqual(values(0, 300))
  })

  it('ends in its time though the log is away, with the offset before what the log does not have', async () => {
    const { task, begin, give, written, stored } = await made('away')
    const source = begin(300)
    give(0, 5)
    await untilPasses(() => expect(task.committed).toEqual([{ position: 4 }]))
    kafka.proxy.down()
    give(5, 10)
    const polled = expect.objectContaining({ name: 'source_records_polled_total', value: 10 })
    await untilPasses(() => expect(source.metrics.samples()).toContainEqual(polled))
    expect(await source.stop()).toBeNull()
    expect(source.logger.lines.map(({ message }) => message).join('\n')).toContain(
      'offsets could not be stored in time',
    )
    kafka.proxy.up()
    expect([await stored(), task.committed]).toEqual([{ position: 4 }, [{ position: 4 }]])
    expect((await written()).slice(0, 5)).toEqual(values(0, 5))
  })
})
