import { describe, expect, it } from 'vitest'

import { ConfigError } from '../../../src/api/errors.ts'
import {
  consumerOptions,
  converterChoice,
  producerOptions,
  type TaskSettings,
} from '../../../src/runtime/task-settings.ts'
import { subscriptionOf } from '../../../src/runtime/task-thread/sink/subscription-of.ts'

const ofWorker = { className: 'JsonConverter', config: { 'schemas.enable': 'false' } }
const settings: TaskSettings = {
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
    expect(consumerOptions('c', settings, connector)).toMatchObject({ groupId: 'mine', maxPollRecords: 10 })
    expect(consumerOptions('c', settings, {}).groupId).toBe('connect-c')
  })

  it('refuses client settings that do not parse', () => {
    const refusals: readonly (readonly [() => unknown, string])[] = [
      [() => producerOptions(settings, { 'producer.override.batch.size': 'big' }), 'producer.override.batch.size'],
      [
        () => producerOptions(settings, { 'producer.override.compression.type': 'rar' }),
        'producer.override.compression.type',
      ],
      [
        () => consumerOptions('c', settings, { 'consumer.override.auto.offset.reset': 'middle' }),
        'consumer.override.auto.offset.reset',
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
