import { describe, expect, it } from 'vitest'

import { ConfigError } from '../../../src/api/errors.ts'
import {
  consumerOptions,
  converterChoice,
  ownEndMs,
  producerOptions,
  type TaskSettings,
} from '../../../src/runtime/task-settings.ts'
import { subscriptionOf } from '../../../src/runtime/task-thread/sink/membership/subscription-of.ts'

const ofWorker = { className: 'JsonConverter', config: { 'schemas.enable': 'false' } }
const settings: TaskSettings = {
  workerGroup: 'workers',
  bootstrapServers: 'a:1',
  security: { tls: null, sasl: null },
  keyConverter: ofWorker,
  valueConverter: ofWorker,
  headerConverter: ofWorker,
  offsetTopic: 'offsets',
  offsetFlushIntervalMs: 1,
  gracefulMs: 1000,
  offsetFlushTimeoutMs: 1,
  producer: { 'linger.ms': '7', 'compression.type': 'lz4' },
  consumer: { 'max.poll.records': '10' },
}

const c0 = { connector: 'c', task: 0 }

describe('what a task is told', () => {
  it("takes the worker's converter whole when the connector names none", () => {
    const given = { 'value.converter.schemas.enable': 'true' }
    expect(converterChoice('value', given, ofWorker).config).toEqual({
      'schemas.enable': 'false',
      'converter.type': 'value',
    })
  })

  it("takes nothing of the worker's when the connector names a converter", () => {
    const given = { 'key.converter': ' X ', 'key.converter.a': '1', 'value.converter.b': '2' }
    expect(converterChoice('key', given, ofWorker)).toEqual({
      className: 'X',
      config: { a: '1', 'converter.type': 'key' },
    })
  })

  it('lets the connector override client settings', () => {
    const connector = { 'producer.override.linger.ms': '9', 'consumer.override.group.id': 'mine' }
    expect(producerOptions(settings, connector)).toEqual({ compression: 'lz4', lingerMs: 9 })
    expect(consumerOptions(c0, settings, connector)).toMatchObject({ groupId: 'mine', maxPollRecords: 10 })
    expect(consumerOptions(c0, settings, {}).groupId).toBe('connect-c')
  })

  it('has time to end by itself, and time to close its client, before its thread is ended', () => {
    const ms = ownEndMs({ gracefulMs: 10_000 })
    expect(ms).toBeGreaterThanOrEqual(5000)
    expect(ms).toBeLessThanOrEqual(9000)
  })

  it('identifies a sink task in its group, by its worker group, name and topics', () => {
    const instanceOf = (id: typeof c0, given: object = {}, config = {}): string | undefined =>
      consumerOptions(id, { ...settings, ...given }, { topics: 't', ...config }).instanceId
    const own = instanceOf(c0)
    expect(own).toMatch(/^c-[0-9a-f]{12}-0$/)
    expect(instanceOf(c0)).toBe(own)
    const others = [
      instanceOf({ connector: 'c', task: 1 }),
      instanceOf({ connector: 'd', task: 0 }),
      instanceOf(c0, { workerGroup: 'other' }),
      instanceOf(c0, {}, { topics: 't,u' }),
      instanceOf(c0, {}, { topics: '', 'topics.regex': 't' }),
    ]
    expect(new Set([own, ...others]).size).toBe(6)
    // What differs only in characters that Kafka does not allow.
    expect(instanceOf({ connector: 'a b', task: 0 })).not.toBe(instanceOf({ connector: 'a/b', task: 0 }))
    expect(instanceOf({ connector: 'é'.repeat(250), task: 999 })).toMatch(/^[\w.-]{1,249}$/)
  })

  it('takes the identity of a connector config for its first task, and adds the number of others', () => {
    const config = { 'consumer.override.group.instance.id': 'mine' }
    expect(consumerOptions(c0, settings, config).instanceId).toBe('mine')
    expect(consumerOptions({ connector: 'c', task: 2 }, settings, config).instanceId).toBe('mine-2')
  })

  it('offers the assignors that a setting names by the classes of Java, and leaves the default to the client', () => {
    const kafka = 'org.apache.kafka.clients.consumer'
    const worker = { ...settings, consumer: { 'partition.assignment.strategy': `${kafka}.CooperativeStickyAssignor` } }
    expect(consumerOptions(c0, settings, {})).not.toHaveProperty('assignors')
    expect(consumerOptions(c0, worker, {}).assignors).toEqual(['cooperative-sticky'])
    const list = ['StickyAssignor', 'RoundRobinAssignor', 'RangeAssignor'].map((name) => `${kafka}.${name}`).join(', ')
    const override = { 'consumer.override.partition.assignment.strategy': list }
    expect(consumerOptions(c0, worker, override).assignors).toEqual(['sticky', 'roundrobin', 'range'])
  })

  it('refuses assignors that there are not, none, and one that is named twice, with those that there are', () => {
    const range = 'org.apache.kafka.clients.consumer.RangeAssignor'
    const refused = (value: string) => () =>
      consumerOptions(c0, settings, { 'consumer.override.partition.assignment.strategy': value })
    for (const value of [`${range},com.example.Mine`, 'range']) {
      expect(refused(value)).toThrow(ConfigError)
      expect(refused(value)).toThrow(
        `there is no assignor ${value.split(',').at(-1)}: the assignors are ${range}, org.`,
      )
    }
    expect(refused('')).toThrow('has to name at least one assignor: the assignors are')
    expect(refused(`${range},${range}`)).toThrow(`names ${range} more than once`)
  })

  it('refuses client settings that do not parse', () => {
    const refusals: readonly (readonly [() => unknown, string])[] = [
      [() => producerOptions(settings, { 'producer.override.batch.size': 'big' }), 'producer.override.batch.size'],
      [
        () => producerOptions(settings, { 'producer.override.compression.type': 'rar' }),
        'producer.override.compression.type',
      ],
      [
        () => consumerOptions(c0, settings, { 'consumer.override.auto.offset.reset': 'middle' }),
        'consumer.override.auto.offset.reset',
      ],
      [
        () => consumerOptions(c0, settings, { 'consumer.override.group.instance.id': 'a b' }),
        'consumer.override.group.instance.id',
      ],
      [() => producerOptions({ ...settings, producer: { 'batch.size': 'big' } }, {}), 'producer.batch.size'],
    ]
    for (const [refusal, name] of refusals) {
      expect(refusal).toThrow(ConfigError)
      expect(refusal).toThrow(`for configuration ${name}: `)
    }
  })

  it('reads topics by name, or by a Java regular expression over whole names', () => {
    expect(subscriptionOf({ topics: ' a, b ,' })).toEqual({ topics: ['a', 'b'] })
    const selection = subscriptionOf({ 'topics.regex': 'orders\\..*' })
    expect('pattern' in selection && selection.pattern.test('orders.eu')).toBe(true)
    expect('pattern' in selection && selection.pattern.test('my-orders.eu')).toBe(false)
    expect(() => subscriptionOf({})).toThrow('Must configure one of topics or topics.regex')
  })
})
