import { systemClock, type ConnectValue, type SinkRecord } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { configDef } from '../../../../connectors/s3-sink/config/config.ts'
import { settingsOf } from '../../../../connectors/s3-sink/config/settings.ts'
import type { FormatWriter } from '../../../../connectors/s3-sink/format/object-format.ts'
import { partitionerOf, partitionPath } from '../../../../connectors/s3-sink/layout/partitioner.ts'
import { MemoryBudget } from '../../../../connectors/s3-sink/object/memory-budget.ts'
import { PartitionLedger } from '../../../../connectors/s3-sink/partition/partition-ledger.ts'
import { PartitionWriter } from '../../../../connectors/s3-sink/partition/partition-writer.ts'
import { S3Store } from '../../../../connectors/s3-store/client/s3-store.ts'
import { SchemaRule } from '../../../../connectors/s3-sink/schema/schema-rule.ts'
import { objectKind } from '../../../../connectors/s3-sink/view/object-kind.ts'
import { valueView } from '../../../../connectors/s3-sink/view/record-view.ts'
import { parseConfig } from '../../../../src/config/definition/parse-config.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { MemoryS3 } from '../../../support/s3/memory-s3.ts'
import { sinkConfig, storeSettingsOf } from '../../../support/s3/s3-config.ts'
import { until } from '../../../support/until.ts'

/** Holds all records until the end, and its index of them beyond it, as a format of columns may. */
class Columns implements FormatWriter {
  readonly isFull = false
  #texts = ''
  #index = 0

  get held(): number {
    return this.#texts.length + this.#index
  }

  append(_record: SinkRecord, value: ConnectValue): number {
    this.#texts += `${String(value)}\n`
    this.#index += 8
    return String(value).length
  }

  takeBack(): void {
    this.#texts = this.#texts.slice(0, this.#texts.lastIndexOf('\n', this.#texts.length - 2) + 1)
    this.#index -= 8
  }

  drain(): Buffer {
    return Buffer.alloc(0)
  }

  finish(): Buffer {
    const texts = Buffer.from(this.#texts)
    this.#texts = ''
    return texts
  }
}

let s3: MemoryS3
let store: S3Store
let budget: MemoryBudget
let writer: PartitionWriter
beforeEach(async () => {
  s3 = await MemoryS3.start()
  store = new S3Store(storeSettingsOf({ 'store.url': s3.url }), systemClock)
  budget = new MemoryBudget(1_000_000)
  const settings = settingsOf(parseConfig(configDef, sinkConfig), sinkConfig)
  const format = { extension: '.columns', contentType: 'x/y', compressible: false, begin: () => new Columns() }
  writer = new PartitionWriter({ topic: 't', partition: 0 }, new PartitionLedger(0), Promise.resolve(), {
    settings,
    store,
    budget,
    kinds: { values: objectKind(valueView, format, null), companions: [] },
    layout: settings.layout,
    partitioner: partitionerOf(settings.partitioner),
    singlePath: partitionPath,
    conditions: { isSupported: true },
    tagger: null,
    schemas: new SchemaRule('NONE'),
    keySchemas: new SchemaRule('NONE'),
    clock: systemClock,
    logger: quietLogger(),
    minPartBytes: 1000,
    clusterId: null,
    topicId: () => null,
    requestCommit: () => undefined,
    onCompleted: () => undefined,
    onFailed: (_writer, error) => expect.fail(String(error)),
  })
})
afterEach(async () => {
  store.close()
  await s3.close()
})

function append(first: number, count: number): void {
  for (let originalOffset = first; originalOffset < first + count; originalOffset += 1) {
    const place = { originalTopic: 't', originalPartition: 0, originalOffset, timestamp: 1 }
    writer.append({ ...place, valueSchema: null, value: 'x'.repeat(100) } as SinkRecord, 1)
  }
}

it('short memory ends an object whose format cannot write its records before, however many there are', async () => {
  append(0, 20)
  const { openBytes } = writer
  expect(openBytes).toBeGreaterThan(20 * 109)
  expect(writer.releaseMemory()).toBe(openBytes)
  await until('the object', () => s3.objects.size === 1)
  const [[key, object] = []] = s3.objects
  expect([key, object?.body.length, object?.type]).toEqual(['t/partition=0/t+0+0000000000.columns', 20 * 101, 'x/y'])
  await writer.settled()
  expect(budget.used).toBe(0)
})

it('the memory of an object that is given up is free again', async () => {
  append(0, 5)
  expect(budget.used).toBeGreaterThan(5 * 109)
  await writer.close(AbortSignal.timeout(60_000))
  expect(budget.used).toBe(0)
})
