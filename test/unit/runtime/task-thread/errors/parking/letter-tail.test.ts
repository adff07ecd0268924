import { expect, it } from 'vitest'

import type { FetchedRecord } from '../../../../../../src/client/consumer/fetched-record.ts'
import { LetterTail } from '../../../../../../src/runtime/task-thread/errors/parking/letter-tail.ts'
import { brokerWithClients } from '../../../../../contract/broker-with-clients.ts'
import { writeAll } from '../../../../../contract/client-harness.ts'

const kafka = brokerWithClients()
const never = new AbortController().signal

/** What a tail has read, by calls. */
class Read {
  values: string[] = []
  resets = 0
  readonly onReset = (): void => void (this.resets += 1)
  onLetter = ({ value }: FetchedRecord): void => void this.values.push(value?.toString() ?? '')

  take(): readonly string[] {
    const { values } = this
    this.values = []
    return values
  }
}

it('the tail of a dead letter queue reads each letter once', async () => {
  const topic = kafka.clients.name('tail')
  const client = await kafka.clients.connect()
  const tail = new LetterTail(client, topic)
  const read = new Read()
  await tail.readToEnd(read, never)
  expect(read.take()).toEqual([])
  await client.admin.createTopic({ name: topic, partitions: 2, replicationFactor: 1 })
  await writeAll(client, topic, ['1', '2', '3'])
  await writeAll(client, topic, ['4'], 1)
  await tail.readToEnd(read, never)
  expect(read.take().toSorted()).toEqual(['1', '2', '3', '4'])
  await writeAll(client, topic, ['5'])
  await tail.readToEnd(read, never)
  expect(read.take()).toEqual(['5'])
})

it('a tail that fails in the middle continues behind what it has read', async () => {
  const topic = kafka.clients.name('tail')
  const client = await kafka.clients.connect()
  await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
  await writeAll(client, topic, ['1', '2', '3'])
  const tail = new LetterTail(client, topic)
  const read = new Read()
  const { onLetter } = read
  read.onLetter = (letter) => {
    if (letter.value?.toString() === '2') throw new RangeError('full')
    onLetter(letter)
  }
  await expect(tail.readToEnd(read, never)).rejects.toThrow('full')
  read.onLetter = onLetter
  await tail.readToEnd(read, never)
  expect(read.take()).toEqual(['1', '2', '3'])
})

it('a tail starts over when the topic has fewer records than it has read, or is another one', async () => {
  const range = { topic: 't', partition: 0, start: 0, end: 5, topicId: null as string | null }
  const asked: number[] = []
  const client = {
    partitionRanges: async () => [range],
    readRanges: async (ranges: readonly { readonly start: number }[]) =>
      void asked.push(...ranges.map(({ start }) => start)),
  }
  const tail = new LetterTail(client, 't')
  const read = new Read()
  const ends: readonly (readonly [number, string | null])[] = [
    [5, null],
    [9, 'a'],
    [9, 'a'],
    [2, 'a'],
    [7, 'b'],
    [8, 'b'],
  ]
  for (const [end, topicId] of ends) {
    Object.assign(range, { end, topicId })
    await tail.readToEnd(read, never)
  }
  expect(asked).toEqual([0, 5, 9, 0, 0, 7])
  expect(read.resets).toBe(2)
})
