import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { KafkaClient } from '../../src/client/kafka-client.ts'
import { ConfigTooLargeError } from '../../src/config/connector/config-too-large-error.ts'
import type { InternalTopic } from '../../src/config/worker/worker-config.ts'
import { systemClock } from '../../src/foundation/clock.ts'
import { ConfigBackingStore } from '../../src/storage/config-backing-store.ts'
import type { ConfigRecord } from '../../src/storage/config-record.ts'
import { OffsetBackingStore } from '../../src/storage/offset-backing-store.ts'
import { StatusBackingStore, type StatusListener } from '../../src/storage/status-backing-store.ts'
import type { RunStatus } from '../../src/storage/status-record.ts'
import { TopicWriter } from '../../src/storage/topic-writer.ts'
import { quietLogger } from '../support/quiet-logger.ts'
import { ClientHarness, Outcomes, readAll, textRecord } from './client-harness.ts'

/** What the stores do on any broker. `open` gives the bootstrap servers; called once. */
export function storageContract(open: () => Promise<string> | string): void {
  let harness: ClientHarness
  let client: KafkaClient
  let writer: TopicWriter

  beforeAll(async () => {
    harness = new ClientHarness(await open())
    client = await harness.connect()
    writer = new TopicWriter(client)
  })

  afterAll(async () => {
    await writer.close()
    await harness.close()
  })

  function topicOf(purpose: string, partitions: number): InternalTopic {
    return { name: harness.name(purpose), partitions, replicationFactor: -1, configs: { 'retention.ms': '1234567' } }
  }

  async function writeRaw(topic: string, entries: readonly (readonly [string | null, string | null])[]): Promise<void> {
    const outcomes = new Outcomes()
    const producer = client.producer(outcomes)
    for (const [index, [key, value]] of entries.entries()) producer.append(textRecord(topic, key, value), index)
    await producer.close()
    expect(outcomes.failed).toEqual([])
  }

  async function textsOf(topic: string): Promise<(readonly [string, string | null])[]> {
    const records = await readAll(client, topic)
    return records.map(({ key, value }) => [key?.toString() ?? '', value?.toString() ?? null])
  }

  describe('config store', () => {
    async function openStore(topic: InternalTopic) {
      const records: (readonly [number, ConfigRecord | null])[] = []
      const logger = quietLogger()
      const onError = (error: Error): void => expect.fail(error.message)
      const store = new ConfigBackingStore({ client, writer, topic, clock: systemClock, logger, onError })
      await store.start((record, offset) => records.push([offset, record]))
      return { store, records, logger }
    }

    it('creates its topic with one partition, compacted, and with the given settings', async () => {
      const topic = topicOf('configs', 7)
      const { store } = await openStore(topic)
      const described = await client.admin.describeTopics([topic.name])
      expect(described.get(topic.name)?.partitions).toHaveLength(1)
      const configs = await client.admin.topicConfigs(topic.name)
      expect(configs.get('cleanup.policy')?.value).toBe('compact')
      expect(configs.get('retention.ms')?.value).toBe('1234567')
      await store.close()
    })

    it("writes the records of a connector with Connect's bytes and order, and resolves when they are read back", async () => {
      const topic = topicOf('configs', 1)
      const { store, records } = await openStore(topic)
      await store.putConnectorConfig('c', { 'connector.class': 'X', name: 'c' }, 'STOPPED')
      expect(records.at(-1)?.[1]).toMatchObject({ type: 'connector', connector: 'c' })
      await store.putTaskConfigs('c', [{ a: '1' }, { a: '2' }])
      expect(records.at(-1)?.[1]).toEqual({ type: 'commit', connector: 'c', tasks: 2 })
      await store.putTargetState('c', 'STARTED')
      await store.putStopped('c')
      await store.putRestartRequest({ connector: 'c', onlyFailed: true, includeTasks: false })
      await store.putLoggerLevel('l', 'WARN')
      await store.putTaskCount('c', 2)
      await store.putTaskConfigs('c', [])
      await store.removeConnectorConfig('c')
      expect(records.map(([offset]) => offset)).toEqual(Array.from({ length: 14 }, (_, offset) => offset))
      await store.close()
      expect(await textsOf(topic.name)).toEqual([
        ['target-state-c', '{"state":"PAUSED","state.v2":"STOPPED"}'],
        ['connector-c', '{"properties":{"connector.class":"X","name":"c"}}'],
        ['task-c-0', '{"properties":{"a":"1"}}'],
        ['task-c-1', '{"properties":{"a":"2"}}'],
        ['commit-c', '{"tasks":2}'],
        ['target-state-c', '{"state":"STARTED","state.v2":"STARTED"}'],
        ['commit-c', '{"tasks":0}'],
        ['target-state-c', '{"state":"PAUSED","state.v2":"STOPPED"}'],
        ['restart-connector-c', '{"include-tasks":false,"only-failed":true}'],
        ['logger-cluster-l', '{"level":"WARN"}'],
        ['tasks-fencing-c', '{"task-count":2}'],
        ['commit-c', '{"tasks":0}'],
        ['connector-c', null],
        ['target-state-c', null],
      ])
    })

    it('skips a record that it cannot decode, and logs its key but not its value', async () => {
      const topic = topicOf('configs', 1)
      await client.admin.createTopic({ ...topic, configs: { 'cleanup.policy': 'compact' } })
      await writeRaw(topic.name, [
        ['garbage', '{}'],
        ['connector-c', '{"properties":{"password":123456}}'],
        ['connector-d', 'hunter2'],
        ['connector-e', '{"properties":{"name":"e"}}'],
      ])
      const { store, records, logger } = await openStore(topic)
      expect(records.map(([, record]) => record?.type ?? null)).toEqual([null, null, null, 'connector'])
      const messages = logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message)
      expect(messages).toHaveLength(3)
      expect(messages[0]).toContain(`offset 0 of topic ${topic.name} (key garbage) is ignored`)
      expect(messages[1]).toContain('property "password"')
      expect(messages.join()).not.toMatch(/123456|hunter2/)
      await store.close()
    })

    it('rejects a config that is too large for the topic, or for a Java worker, and writes no part of it', async () => {
      const topic = topicOf('configs', 1)
      await client.admin.createTopic({
        ...topic,
        configs: { 'cleanup.policy': 'compact', 'max.message.bytes': '200000' },
      })
      const small = await openStore(topic)
      expect(() => small.store.checkSize('c', { a: 'x'.repeat(190_000), b: null })).not.toThrow()
      expect(() => small.store.checkSize('c', { a: 'x'.repeat(200_000) })).toThrow(/takes at most 196000/)
      const tasks = [{ a: '1' }, { a: 'x'.repeat(200_000) }]
      await expect(small.store.putTaskConfigs('c', tasks)).rejects.toThrow('the config of task 1 of connector c has')
      expect(small.records).toEqual([])
      const large = await openStore(topicOf('configs', 1))
      const config = { a: 'ü'.repeat(500_000) }
      expect(() => large.store.checkSize('c', config)).not.toThrow()
      expect(() => large.store.checkSize('c', { ...config, b: 'x'.repeat(50_000) })).toThrow(ConfigTooLargeError)
      await large.store.putConnectorConfig('c', config)
      expect(large.records).toEqual([[0, { type: 'connector', connector: 'c', config }]])
      await Promise.all([small.store.close(), large.store.close()])
    })

    it('commits no task configs whose writes were abandoned, and continues with later writes', async () => {
      const topic = topicOf('configs', 1)
      const { store, records } = await openStore(topic)
      const put = store.putTaskConfigs('c', [{ a: '1' }])
      await store.abandonWrites('the worker was removed')
      await expect(put).rejects.toThrow(/^Error writing task \w+ to Kafka topic .* abandoned/)
      await store.putTargetState('c', 'PAUSED')
      expect(records.map(([, record]) => record?.type)).not.toContain('commit')
      expect(records.at(-1)?.[1]).toMatchObject({ type: 'target-state', state: 'PAUSED' })
      await store.close()
    })

    it('reads what other workers write', async () => {
      const topic = topicOf('configs', 1)
      const one = await openStore(topic)
      const two = await openStore(topic)
      await one.store.putTargetState('c', 'PAUSED')
      await two.store.refresh()
      expect(two.records).toEqual([[0, { type: 'target-state', connector: 'c', state: 'PAUSED' }]])
      await Promise.all([one.store.close(), two.store.close()])
    })

    it('rejects a topic with several partitions, and one that is not compacted', async () => {
      const split = topicOf('configs', 3)
      await client.admin.createTopic({ ...split, replicationFactor: 1, configs: { 'cleanup.policy': 'compact' } })
      await expect(openStore(split)).rejects.toThrow(/single partition.*found 3 partitions/)
      const forgetful = topicOf('configs', 1)
      await client.admin.createTopic({ ...forgetful, replicationFactor: 1, configs: { 'cleanup.policy': 'delete' } })
      await expect(openStore(forgetful)).rejects.toThrow(
        /config\.storage\.topic.*cleanup\.policy=compact.*currently has 'cleanup\.policy=delete'/,
      )
    })
  })

  describe('offset store', () => {
    async function openStore(topic: InternalTopic) {
      const logger = quietLogger()
      const onError = (error: Error): void => expect.fail(error.message)
      const store = new OffsetBackingStore({ client, writer, topic, logger, onError })
      await store.start()
      return { store, logger }
    }

    it('reads the offsets that tasks wrote, alters them and removes them', async () => {
      const topic = topicOf('offsets', 5)
      const { store } = await openStore(topic)
      await writeRaw(topic.name, [
        ['["c",{"server":"x"}]', '{"lsn":1}'],
        ['["c",{"server":"x"}]', '{"lsn":18446744073709551615}'],
        ['["c",{"server":"y"}]', '{"lsn":2}'],
        ['["other",{"server":"x"}]', '{"lsn":3}'],
        ['["c",{"server":"y"}]', null],
      ])
      await store.refresh()
      expect(store.read('c', [{ server: 'y' }, { server: 'x' }])).toEqual([null, { lsn: 18_446_744_073_709_551_615n }])
      expect(store.offsetsOf('c')).toEqual([
        { partition: { server: 'x' }, offset: { lsn: 18_446_744_073_709_551_615n } },
      ])
      await store.alter('c', [{ partition: { server: 'z' }, offset: { lsn: 7 } }])
      expect(store.offsetsOf('c')).toHaveLength(2)
      await store.alter('c', [
        { partition: { server: 'x' }, offset: null },
        { partition: { server: 'z' }, offset: null },
      ])
      expect(store.offsetsOf('c')).toEqual([])
      expect(store.offsetsOf('other')).toHaveLength(1)
      await store.close()
      const again = await openStore(topic)
      expect(again.store.offsetsOf('c')).toEqual([])
      await again.store.close()
    })

    it('alters an offset under the key bytes that are in the topic, even if another program wrote them', async () => {
      const topic = topicOf('offsets', 3)
      const { store } = await openStore(topic)
      const foreign = '["c", {"b":1,"a":"x"}]'
      await writeRaw(topic.name, [[foreign, '{"p":1}']])
      await store.refresh()
      await store.alter('c', [{ partition: { a: 'x', b: 1 }, offset: { p: 2 } }])
      expect(store.offsetsOf('c')).toEqual([{ partition: { b: 1, a: 'x' }, offset: { p: 2 } }])
      await store.close()
      expect(await textsOf(topic.name)).toEqual([
        [foreign, '{"p":1}'],
        [foreign, '{"p":2}'],
      ])
    })

    it('skips a record that it cannot decode, and logs its offset', async () => {
      const topic = topicOf('offsets', 1)
      await client.admin.createTopic({ ...topic, replicationFactor: 1, configs: { 'cleanup.policy': 'compact' } })
      await writeRaw(topic.name, [
        ['old format', '{}'],
        ['["c",{"a":1}]', '{"p":1}'],
      ])
      const { store, logger } = await openStore(topic)
      expect(store.offsetsOf('c')).toHaveLength(1)
      expect(logger.lines.find(({ level }) => level === 'warn')?.message).toContain(
        `offset 0 of ${topic.name}-0 is ignored`,
      )
      await store.close()
    })
  })

  describe('status store', () => {
    const running: RunStatus = { state: 'RUNNING', trace: null, workerId: 'a:1', generation: 2 }

    async function openStore(topic: InternalTopic, onStatus?: StatusListener): Promise<StatusBackingStore> {
      const onError = (error: Error): void => expect.fail(error.message)
      const store = new StatusBackingStore({ client, writer, topic, logger: quietLogger(), onError })
      await store.start(undefined, onStatus)
      return store
    }

    it('tells of each status that is read after its start, and of no removal', async () => {
      const topic = topicOf('status', 1)
      const one = await openStore(topic)
      one.putConnector('c', running)
      await one.flush()
      const told: (string | undefined)[] = []
      const two = await openStore(topic, ({ status }) => void told.push(status?.state))
      one.putConnector('c', { ...running, state: 'UNASSIGNED' })
      one.putConnector('c', null)
      one.putTask('c', 0, { ...running, state: 'FAILED' })
      await one.flush()
      await two.refresh()
      expect(told).toEqual(['UNASSIGNED', 'FAILED'])
      await Promise.all([one.close(), two.close()])
    })

    it('shows its own writes immediately, and those of other workers once they are read', async () => {
      const topic = topicOf('status', 5)
      const [one, two] = await Promise.all([openStore(topic), openStore(topic)])
      one.putConnector('c', running)
      one.putTask('c', 0, running)
      one.putTask('c', 0, { ...running, state: 'FAILED', trace: 'why' })
      one.putTopic({ topic: 't', connector: 'c', task: 0, discoverTimestamp: 9 })
      expect(one.task('c', 0)?.state).toBe('FAILED')
      await one.flush()
      await Promise.all([one.refresh(), two.refresh()])
      for (const store of [one, two]) {
        expect(store.connectors()).toEqual(['c'])
        expect(store.connector('c')).toEqual(running)
        expect(store.tasks('c').get(0)).toMatchObject({ state: 'FAILED', trace: 'why' })
        expect(store.topics('c')).toEqual([{ topic: 't', connector: 'c', task: 0, discoverTimestamp: 9 }])
      }
      two.putConnector('c', null)
      two.putTask('c', 0, null)
      two.resetTopics('c')
      await two.flush()
      await one.refresh()
      expect([one.connectors(), one.topics('c')]).toEqual([[], []])
      await Promise.all([one.close(), two.close()])
    })

    it('never shows an earlier status of its own while later ones are read back', async () => {
      const topic = topicOf('status', 1)
      const store = await openStore(topic)
      const seen = new Set<string>()
      for (let i = 0; i < 50; i += 1) store.putConnector('c', { ...running, generation: i })
      const last = { ...running, state: 'PAUSED' as const, generation: 50 }
      store.putConnector('c', last)
      for (let i = 0; i < 20; i += 1) {
        seen.add(store.connector('c')?.state ?? 'none')
        await store.refresh()
      }
      await store.flush()
      expect([...seen]).toEqual(['PAUSED'])
      expect(store.connector('c')).toEqual(last)
      await store.close()
    })

    it('shows what runs, although the worker that ran it before says only later that it has stopped', async () => {
      const topic = topicOf('status', 1)
      const [one, two] = await Promise.all([openStore(topic), openStore(topic)])
      const unassigned: RunStatus = { ...running, state: 'UNASSIGNED', workerId: 'b:1', generation: 3 }
      one.putConnector('c', running)
      one.putTask('c', 0, running)
      one.putTask('c', 1, running)
      await one.flush()
      await Promise.all([one.refresh(), two.refresh()])
      two.putConnector('c', unassigned)
      two.putTask('c', 0, unassigned)
      // The second task has moved on: another worker runs it, and then stops it.
      two.putTask('c', 1, { ...running, workerId: 'b:1' })
      two.putTask('c', 1, unassigned)
      await two.flush()
      await one.refresh()
      await one.flush()
      await two.refresh()
      for (const store of [one, two]) {
        expect(store.connector('c')).toEqual(running)
        expect(store.task('c', 0)).toEqual(running)
        expect(store.task('c', 1)).toEqual(unassigned)
      }
      await Promise.all([one.close(), two.close()])
    })

    it('shows what runs, although a worker that was cut off, or ran at the same address, writes its statuses only later', async () => {
      const topic = topicOf('status', 1)
      const [one, two] = await Promise.all([openStore(topic), openStore(topic)])
      const earlier = { ...running, generation: running.generation - 1 }
      for (const task of [0, 1]) one.putTask('c', task, running)
      await one.flush()
      await Promise.all([one.refresh(), two.refresh()])
      two.putTask('c', 0, { ...earlier, workerId: 'b:1' })
      two.putTask('c', 0, { ...earlier, workerId: 'b:1', state: 'UNASSIGNED' })
      two.putTask('c', 1, { ...earlier, state: 'UNASSIGNED' })
      await two.flush()
      await one.refresh()
      await one.flush()
      await two.refresh()
      for (const store of [one, two]) for (const task of [0, 1]) expect(store.task('c', task)).toEqual(running)
      await Promise.all([one.close(), two.close()])
    })

    it('removes what a worker wrote after another one had removed the status, and nothing of other workers', async () => {
      const topic = topicOf('status', 1)
      const [leader, other] = await Promise.all([openStore(topic), openStore(topic)])
      leader.putTask('c', 0, null)
      await leader.flush()
      other.putTask('c', 0, running)
      await other.flush()
      await leader.refresh()
      expect(leader.removeTaskOf('another:1', 'c', 0)).toBe(false)
      expect(leader.task('c', 0)).toEqual(running)
      expect(other.removeTaskOf(running.workerId, 'c', 0)).toBe(true)
      await other.flush()
      await leader.refresh()
      expect(leader.task('c', 0)).toBeNull()
      // It is gone already, and nothing of this worker is on its way.
      expect(other.removeTaskOf(running.workerId, 'c', 0)).toBe(false)
      await Promise.all([leader.close(), other.close()])
    })

    it('overwrites the status of its own or an earlier generation with a safe write, not that of a later one (I3)', async () => {
      const topic = topicOf('status', 1)
      const store = await openStore(topic)
      store.putTask('c', 0, { ...running, workerId: 'b:1', generation: 5 })
      store.putTaskSafe('c', 0, { ...running, state: 'UNASSIGNED', generation: 4 })
      expect(store.task('c', 0)).toMatchObject({ workerId: 'b:1', state: 'RUNNING' })
      store.putTaskSafe('c', 0, { ...running, state: 'RESTARTING', generation: 5 })
      expect(store.task('c', 0)).toMatchObject({ workerId: 'a:1', state: 'RESTARTING' })
      store.putConnector('c', { ...running, generation: 5 })
      store.putConnectorSafe('c', { ...running, state: 'FAILED', generation: 4 })
      expect(store.connector('c')?.state).toBe('FAILED')
      await store.flush()
      await store.close()
    })
  })
}
