import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Schema } from 'penstock/api'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { ClientHarness } from '../../contract/client-harness.ts'
import { TestDatabase } from '../../support/postgres/postgres.ts'
import {
  changedTables,
  ChangedTables,
  usedConverters,
  verdictOf,
  type ChangedTable,
  type UsedConverter,
} from '../../support/schema-changes/changed-tables.ts'
import { describeWith, service } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

const cells = changedTables.flatMap((table) =>
  usedConverters
    // Without a registry, the level means nothing.
    .filter(({ verdicts }) => verdicts !== null || table.level === 'BACKWARD')
    .map((converter) => {
      const expected = converter.verdicts === null ? 'written' : verdictOf(table, converter.verdicts)
      return { title: `${table.change.name}, ${converter.prefix}, ${table.level}: ${expected}`, table, converter }
    }),
)

/** What the registry gives as the reason: the rows of an envelope are in a union, and it says that the union does not fit. */
const reasons = {
  avro: 'MISSING_UNION_BRANCH',
  json: 'COMBINED_TYPE_SUBSCHEMAS_CHANGED',
  closed: 'COMBINED_TYPE_SUBSCHEMAS_CHANGED',
  protobuf: 'FIELD_SCALAR_KIND_CHANGED',
}

describeWith(['postgres'], 'a column or table that changes', () => {
  let tables: ChangedTables
  let worker: WorkerProcess
  let database: TestDatabase
  const cleanups: (() => unknown)[] = []

  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-schema-changes-'))
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
    database = await TestDatabase.create(service('postgres'), 'ddl')
    cleanups.push(async () => await database.drop())
    worker = await WorkerProcess.start(await workerPlace(join(directory, 'log')))
    cleanups.push(async () => await worker.kill())
    const harness = new ClientHarness(worker.place.broker)
    cleanups.push(async () => await harness.close())
    tables = new ChangedTables(worker, await harness.connect(), database)
    await tables.start()
    await tables.change()
  })
  afterAll(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  })

  it.each(cells)('$title', async ({ table, converter }) => {
    const { topic, records, letters } = await tables.outcome(converter.prefix, table)
    if (converter.verdicts !== null && verdictOf(table, converter.verdicts) === 'refused') {
      expect(records).toHaveLength((table.change.records ?? 2) - 1)
      expect(letters).toHaveLength(1)
      await expectRefusal(table, converter, letters[0] ?? new Map())
      return
    }
    expect(letters).toEqual([])
    expect(records).toHaveLength(table.change.renamed === undefined ? (table.change.records ?? 2) : 1)
    const last = records.at(-1) ?? expect.fail('no record')
    await expectRow(table, converter, last)
    if (converter.verdicts === null) return
    const isNew = verdictOf(table, converter.verdicts) === 'new'
    const part = table.change.changes === 'key' ? 'key' : 'value'
    expect(await tables.versions(`${topic}-${part}`)).toEqual(isNew ? [1, 2] : [1])
  })

  it.each(usedConverters.filter(({ verdicts }) => verdicts !== null && verdicts !== 'closed'))(
    'fails a task of the $prefix converter that tolerates nothing, and loses no row once the level allows the change',
    async (converter) => {
      const [name, table] = [`strict_${converter.prefix}`, `strict_${converter.prefix}`]
      await database.play(`create table ${table} (id int primary key, n int); insert into ${table} values (1, 10)`)
      await tables.startSource(converter, name, { 'topic.prefix': name, 'table.include.list': `public.${table}` })
      const topic = `${name}.public.${table}`
      await tables.untilRecords(topic, 1)
      await database.play(`alter table ${table} alter column n type text; insert into ${table} values (2, 'two')`)
      const trace = await untilPasses(async () => {
        const own = (await worker.failures()).find((failure) => failure.startsWith(`${name}: `))
        return own ?? expect.fail('the task has not failed')
      })
      expect(trace).toContain(`SCHEMA_INCOMPATIBLE: the schema of subject "${topic}-value" is not registered`)
      expect(trace).toContain('Since version 1: before.n: INT32 became STRING; after.n: INT32 became STRING.')
      const [, url, body] = /PUT (\S+) with (\{.*?\})/.exec(trace) ?? expect.fail('no advice')
      const set = await fetch(url ?? '', {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: body ?? '',
      })
      expect(set.status).toBe(200)
      await worker.request('POST', `/connectors/${name}/restart?includeTasks=true&onlyFailed=true`)
      await tables.untilRecords(topic, 2)
      expect(await tables.versions(`${topic}-value`)).toEqual([1, 2])
      expect((await worker.failures()).filter((failure) => failure.startsWith(`${name}: `))).toEqual([])
    },
  )

  async function expectRow(
    { change }: ChangedTable,
    converter: UsedConverter,
    record: Parameters<ChangedTables['read']>[1],
  ): Promise<void> {
    const { schema, row, key } = await tables.read(converter, record)
    const texts = Object.entries(row).map(([name, value]) => [name, String(value)])
    const expected = Object.entries(change.written).map(([name, value]) => [name, String(value)])
    expect(Object.fromEntries(texts)).toMatchObject(Object.fromEntries(expected))
    expect(Object.keys(row).includes(change.column)).toBe(change.becomes !== null)
    expect(key !== null).toBe(change.keyed?.after ?? true)
    if (schema === null) return
    const shown = shownField(schema, change.column)
    // Protobuf's schemas have the type only.
    if (converter.verdicts === 'protobuf') expect(typeIn(shown)).toBe(typeIn(change.becomes))
    else expect(shown).toBe(change.becomes)
  }

  async function expectRefusal(
    { change, level }: ChangedTable,
    { prefix, verdicts }: UsedConverter,
    headers: ReadonlyMap<string, string>,
  ): Promise<void> {
    const topic = headers.get('__penstock.errors.topic') ?? ''
    const isKey = change.changes !== undefined
    const subject = `${topic}-${isKey ? 'key' : 'value'}`
    const message = headers.get('__connect.errors.exception.message') ?? ''
    expect(headers.get('__connect.errors.stage')).toBe(isKey ? 'KEY_CONVERTER' : 'VALUE_CONVERTER')
    expect(message).toContain(`SCHEMA_INCOMPATIBLE: the schema of subject "${subject}" is not registered`)
    const says =
      (verdicts === 'protobuf' ? change.saysOfProtobuf : undefined) ?? change.says ?? expect.fail('no change')
    expect(message).toContain(isKey ? says : `before.${says}`)
    expect(message).toContain(`PUT ${tables.registry}/config/${subject}`)
    expect(message).toContain(`40901: Schema being registered is incompatible`)
    const ofValue = { ...reasons, protobuf: change.protobufReason ?? reasons.protobuf }
    expect(message).toContain((isKey ? change.keyReasons : ofValue)?.[verdicts ?? 'avro'] ?? expect.fail('no reason'))
    expect(message).toContain(`compatibility: '${level}'`)
    expect(await tables.versions(subject)).toEqual([1])
    expect(prefix).toBe(topic.split('.')[0])
  }
})

const typeIn = (shown: string | null): string | undefined => /^\w+/.exec(shown ?? '')?.[0]

function shownField(schema: Schema, column: string): string | null {
  const found = schema.fields.find(({ name }) => name === column)
  if (found === undefined) return null
  const { type, name, optional, defaultValue } = found.schema
  const isDefault = defaultValue !== undefined && defaultValue !== null
  return `${type}${name === null ? '' : ` ${name}`}${optional ? '?' : ''}${isDefault ? `=${String(defaultValue)}` : ''}`
}
