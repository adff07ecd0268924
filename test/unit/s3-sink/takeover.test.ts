import { systemClock, type Clock, type RawConfig } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { plugin } from '../../../connectors/s3-sink/index.ts'
import { MemoryS3 } from '../../support/s3/memory-s3.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

const key = 't/partition=0/t+0+0000000000.json'
const ahead: Clock = { ...systemClock, now: () => 4_000_000_000_000 }
const behind: Clock = { ...systemClock, now: () => 1_000_000_000_000 }

let store: MemoryS3
let log: MemoryLog
let sinks: SinkTaskHarness[]
beforeEach(async () => {
  store = await MemoryS3.start()
  sinks = []
  log = new MemoryLog()
  log.topicIds.set('t', 'id-1')
  for (let n = 0; n < 4; n += 1) log.append({ topic: 't', value: n })
})
afterEach(async () => {
  for (const sink of sinks) await sink.crash()
  await store.close()
})

async function started(clock: Clock, settings: RawConfig): Promise<SinkTaskHarness> {
  const config = {
    name: 'archive',
    'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
    's3.bucket.name': 'bucket',
    's3.region': 'us-east-1',
    'store.url': store.url,
    'aws.access.key.id': 'key',
    'aws.secret.access.key': 'secret',
    'topics.dir': '',
    ...settings,
  }
  const sink = new SinkTaskHarness(plugin, config, log, clock)
  sinks.push(sink)
  await sink.start()
  return sink
}

const committed = (offset: number) => (): boolean => log.committed.get('t-0') === offset
const stored = (): string => store.objects.get(key)?.body.toString() ?? ''

const conditions = ['true', 'false'].map((value) => ({ 'enable.conditional.writes': value }))

it('a topic that was restored from a backup replaces no object with other records, until the object is moved away', async () => {
  await (await started(systemClock, { 'flush.size': '2' })).runUntil('both objects', committed(4))
  const second = 't/partition=0/t+0+0000000002.json'
  const text = (): string => store.objects.get(second)?.body.toString() ?? ''
  expect(text()).toBe('2\n3\n')

  log.records.get('t-0')?.splice(2)
  log.committed.set('t-0', 2)
  for (const value of ['other', 'records']) log.append({ topic: 't', value, timestamp: 1_700_000_000_001 })
  const restored = await started(systemClock, { 'flush.size': '2' })
  await expect(restored.runUntil('an object', committed(4))).rejects.toThrow('S3_OTHER_RECORDS')
  expect(text()).toBe('2\n3\n')
  expect(committed(2)()).toBe(true)

  store.objects.delete(second)
  await (await started(systemClock, { 'flush.size': '2' })).runUntil('an object', committed(4))
  expect(text()).toBe('"other"\n"records"\n')
})

for (const settings of conditions) {
  const title = `with enable.conditional.writes=${settings['enable.conditional.writes']}`

  it(`a task that lost its partition replaces nothing of its successor, although its clock is ahead, ${title}`, async () => {
    const former = await started(ahead, { 'flush.size': '2', ...settings })
    const successor = await started(systemClock, { 'flush.size': '4', ...settings })
    await successor.runUntil('the object', committed(4))

    former.holds = false
    await former.runUntil('a refused commit', () => former.refusedCommits > 0)
    expect(stored()).toBe('0\n1\n2\n3\n')
    expect(committed(4)()).toBe(true)
  })

  it(`a task replaces the object that an earlier run left uncommitted, although its clock was ahead, ${title}`, async () => {
    const former = await started(ahead, { 'flush.size': '4', ...settings })
    former.commitEvery = Number.POSITIVE_INFINITY
    await former.runUntil('the object', () => store.objects.has(key))
    await former.crash()

    const successor = await started(behind, { 'flush.size': '2', ...settings })
    await successor.runUntil('both objects', committed(4))
    expect(stored()).toBe('0\n1\n')
    expect(store.objects.size).toBe(2)
  })
}
