import { describe, expect, it } from 'vitest'
import { plugin as postgresSource } from '../../../../../connectors/postgres-source/index.ts'
import { ConfigError } from '../../../../../src/api/errors.ts'
import { BrokerError, ConnectionError } from '../../../../../src/client/errors.ts'
import { errorCodes } from '../../../../../src/protocol/error-codes.ts'
import { topicCreation } from '../../../../../src/runtime/task-thread/source/topic-creation.ts'
import { ManualClock } from '../../../../support/manual-clock.ts'

const going = new AbortController().signal

function world(failure: Error | null = null) {
  const created: unknown[] = []
  const existing = new Set<string>()
  const admin = {
    describeTopics: async (names: readonly string[]) =>
      new Map(names.filter((name) => existing.has(name)).map((name) => [name, {} as never])),
    createTopic: async (topic: unknown) => {
      if (failure !== null) throw failure
      created.push(topic)
      return true
    },
  }
  return { created, existing, options: { admin, clock: new ManualClock(), defaults: null } }
}

describe('the creation of topics for a source', () => {
  it('follows topic.creation.default, and leaves topics to the broker without it', async () => {
    const { created, options } = world()
    expect(topicCreation({ topic: 't' }, options)).toBeNull()
    const prepare = topicCreation(
      {
        'topic.creation.default.partitions': '3',
        'topic.creation.default.replication.factor': '-1',
        'topic.creation.default.cleanup.policy': 'compact',
      },
      options,
    )
    await prepare?.('t', going)
    expect(created).toEqual([
      { name: 't', partitions: 3, replicationFactor: -1, configs: { 'cleanup.policy': 'compact' } },
    ])
    expect(() => topicCreation({ 'topic.creation.default.partitions': '0' }, options)).toThrow(ConfigError)
  })

  it('follows what the plugin asks for where the config says nothing', async () => {
    const { created, options } = world()
    const withDefaults = { ...options, defaults: postgresSource.newTopics ?? null }
    await topicCreation({}, withDefaults)?.('a', going)
    const asked = { 'topic.creation.default.partitions': '3', 'topic.creation.default.retention.ms': '1000' }
    await topicCreation(asked, withDefaults)?.('b', going)
    expect(created).toEqual([
      { name: 'a', partitions: 1, replicationFactor: -1, configs: { 'cleanup.policy': 'delete' } },
      {
        name: 'b',
        partitions: 3,
        replicationFactor: -1,
        configs: { 'cleanup.policy': 'delete', 'retention.ms': '1000' },
      },
    ])
  })

  it('takes a topic that exists as it is, also where the user may create none', async () => {
    const { existing, options } = world(new BrokerError(errorCodes.TOPIC_AUTHORIZATION_FAILED, 'creating topic t'))
    const prepare = topicCreation({}, { ...options, defaults: { partitions: 1, replicationFactor: -1, configs: {} } })
    await expect(prepare?.('t', going)).rejects.toThrow(
      /TOPIC_CREATION: topic t does not exist and cannot be created: .*TOPIC_AUTHORIZATION_FAILED.* Create it/,
    )
    existing.add('t')
    await prepare?.('t', going)
  })

  it('is worth another try while no broker responds', async () => {
    const { options } = world(new ConnectionError('refused'))
    const prepare = topicCreation({}, { ...options, defaults: { partitions: 1, replicationFactor: -1, configs: {} } })
    await expect(prepare?.('t', going)).rejects.toThrow(ConnectionError)
  })
})
