import {
  Logical,
  primitive,
  struct,
  type ConnectRecord,
  type ConnectValue,
  type RawConfig,
  type Schema,
  type TransformPlugin,
} from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { plugin as tombstones } from '../../../plugins/transforms/confluent/tombstone-handler.ts'
import { plugin as eventRouter } from '../../../plugins/transforms/debezium/outbox/event-router.ts'
import { plugin as topicRouter } from '../../../plugins/transforms/debezium/routing/by-logical-table-router.ts'
import { plugin as timezones } from '../../../plugins/transforms/debezium/values/timezone-converter.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { PluginRegistry } from '../../../src/plugin/plugin-registry.ts'
import { loadTransforms } from '../../../src/runtime/task-thread/task-plugins.ts'
import { quietLogger } from '../../support/quiet-logger.ts'

const text = primitive('STRING', { optional: true })
const row = struct(
  [
    ['id', text],
    ['aggregateid', text],
    ['aggregatetype', text],
    ['payload', text],
    ['day', primitive('INT32', { name: 'io.debezium.time.Date', optional: true })],
    ['at', primitive('INT64', { name: Logical.timestamp, optional: true })],
  ],
  { optional: true },
)
const source = struct([['table', text]])
const envelope = struct(
  [
    ['before', row],
    ['after', row],
    ['source', source],
    ['op', text],
    ['ts_ms', primitive('INT64')],
  ],
  { name: 'shop.outbox.Envelope' },
)

function event(op: string, payload: string | null = 'p'): ConnectRecord {
  const after = op === 'd' ? null : ['1', 'a', 'orders', payload, 1, 5n]
  return recordOf(envelope, [null, after, ['outbox'], op, 7n])
}

function recordOf(valueSchema: Schema | null, value: ConnectValue): ConnectRecord {
  return {
    topic: 'shop.outbox',
    partition: 0,
    keySchema: text,
    key: 'k',
    valueSchema,
    value,
    timestamp: 5,
    headers: [],
  }
}

/** The lines that a transform writes about records, and how many of them it drops. */
function logged(plugin: TransformPlugin, raw: RawConfig, records: readonly ConnectRecord[]) {
  const logger = quietLogger()
  const transform = plugin.create(parseConfig(plugin.configDef, raw), raw, { logger })
  const dropped = records.filter((record) => transform.apply(record) === null).length
  return { dropped, lines: logger.lines.map(({ level, message }) => `${level}: ${message}`) }
}

describe('transforms tell what an operator would miss', () => {
  it.each(['warn', 'error'])('of updates of the outbox table that are dropped: %s', (behavior) => {
    const update = 'EventRouter: unexpected update of a row of the outbox table in topic shop.outbox'
    const line = `${behavior}: ${update}. It is dropped (table.op.invalid.behavior=${behavior})`
    const raw = { 'table.op.invalid.behavior': behavior }
    expect(logged(eventRouter, raw, [event('u'), event('c'), event('d')])).toEqual({ dropped: 2, lines: [line] })
    const many = Array.from({ length: 120 }, () => event('u'))
    expect(logged(eventRouter, raw, many)).toEqual({
      dropped: 120,
      lines: [line, `${line} (10 records so far)`, `${line} (100 records so far)`],
    })
  })

  it('of payloads that are not expanded, without their text', () => {
    const raw = { 'table.expand.json.payload': 'true' }
    const line =
      'warn: EventRouter: the payload of a row of topic shop.outbox is sent as it is (table.expand.json.payload): '
    const expanded = [event('c', '{"a":1}'), event('c', ' '), event('c', null)]
    expect(logged(eventRouter, raw, expanded).lines).toEqual([])
    for (const payload of ['S3cret', '{"S3cret"', '["S3cret"]'])
      expect(logged(eventRouter, raw, [event('c', payload)]).lines).toEqual([`${line}it is no JSON object`])
    const mixed = '{"a":[1,"S3cret"]}'
    expect(logged(eventRouter, raw, [event('c', mixed)]).lines).toEqual([`${line}its JSON has no schema`])
    expect(logged(eventRouter, {}, [event('c', 'S3cret')]).lines).toEqual([])
  })

  it('of tombstones that TombstoneHandler drops, unless it is to ignore them', () => {
    const tombstone = recordOf(null, null)
    expect(logged(tombstones, {}, [tombstone, event('c')])).toEqual({
      dropped: 1,
      lines: ['warn: TombstoneHandler drops a tombstone of topic shop.outbox (behavior=warn)'],
    })
    expect(logged(tombstones, { behavior: 'ignore' }, [tombstone])).toEqual({ dropped: 1, lines: [] })
  })

  it('of a routed topic without a name, whose records stay', () => {
    const raw = { 'topic.regex': 'shop.outbox(.*)', 'topic.replacement': '$1', 'key.enforce.uniqueness': 'false' }
    const stays = 'topic.replacement makes an empty name of topic shop.outbox: the record stays'
    expect(logged(topicRouter, raw, [event('c')])).toEqual({
      dropped: 0,
      lines: [`warn: ByLogicalTableRouter: ${stays}`],
    })
  })

  it('once of a listed column whose type has no time zone', () => {
    const raw = { 'converted.timezone': '+02:00', 'include.list': 'source:outbox:day' }
    const column = 'column "day" of topic shop.outbox is in include.list and is not converted'
    expect(logged(timezones, raw, [event('c'), event('c')])).toEqual({
      dropped: 0,
      lines: [`warn: TimezoneConverter: ${column}: io.debezium.time.Date has no time zone`],
    })
    expect(logged(timezones, { 'converted.timezone': '+02:00' }, [event('c')]).lines).toEqual([])
  })

  it('through the logger of the task, with the alias', async () => {
    const logger = quietLogger()
    const config = { transforms: 'kept', 'transforms.kept.type': 'io.confluent.connect.transforms.TombstoneHandler' }
    const [step] = await loadTransforms(new PluginRegistry([]), config, logger)
    expect(step?.transform.apply(recordOf(null, null))).toBeNull()
    expect(logger.lines).toEqual([expect.objectContaining({ level: 'warn', name: 'test.transforms.kept' })])
  })
})
