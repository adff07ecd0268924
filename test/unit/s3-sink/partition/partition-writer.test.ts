import { abortable, deferred, systemClock, type ConnectValue, type SinkRecord } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { configDef } from '../../../../connectors/s3-sink/config/config.ts'
import { settingsOf } from '../../../../connectors/s3-sink/config/settings.ts'
import type { FormatWriter } from '../../../../connectors/s3-sink/format/object-format.ts'
import { partitionerOf, partitionPath } from '../../../../connectors/s3-sink/layout/partitioner.ts'
import { jsonFormat } from '../../../../connectors/s3-sink/format/json-format.ts'
import { MemoryBudget } from '../../../../connectors/s3-sink/object/memory-budget.ts'
import { ObjectTagger } from '../../../../connectors/s3-sink/object/object-tagger.ts'
import { PackedStream } from '../../../../connectors/s3-sink/object/packed-stream.ts'
import { PartitionLedger } from '../../../../connectors/s3-sink/partition/partition-ledger.ts'
import { PartitionWriter } from '../../../../connectors/s3-sink/partition/partition-writer.ts'
import { ConcurrencyLimit } from '../../../../connectors/s3-store/client/concurrency-limit.ts'
import type { WriterEnvironment } from '../../../../connectors/s3-sink/partition/writer-environment.ts'
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

/** Remembers how much memory was held at a time. */
class PeakBudget extends MemoryBudget {
  peak = 0

  override add(bytes: number): void {
    super.add(bytes)
    this.peak = Math.max(this.peak, this.used)
  }
}

let s3: MemoryS3
let store: S3Store
let budget: PeakBudget
let environment: WriterEnvironment
let writer: PartitionWriter
beforeEach(async () => {
  s3 = await MemoryS3.start()
  store = new S3Store(storeSettingsOf({ 'store.url': s3.url }), systemClock)
  budget = new PeakBudget(1_000_000)
  const settings = settingsOf(parseConfig(configDef, sinkConfig), sinkConfig)
  const format = { extension: '.columns', contentType: 'x/y', compressible: false, begin: () => new Columns() }
  environment = {
    settings,
    store,
    budget,
    endings: new ConcurrencyLimit(4),
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
  }
  writer = new PartitionWriter({ topic: 't', partition: 0 }, new PartitionLedger(0), Promise.resolve(), environment)
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

it.each(['gzip', 'zstd'] as const)(
  'objects of many directories that end together have few compressors open at a time: %s (I10)',
  async (kind) => {
    const values = objectKind(valueView, jsonFormat('BASE64'), { kind, level: -1 })
    writer = new PartitionWriter({ topic: 't', partition: 0 }, new PartitionLedger(0), Promise.resolve(), {
      ...environment,
      kinds: { values, companions: [] },
      partitioner: { timeOf: () => 0, pathOf: ({ originalOffset }) => `d=${originalOffset}` },
    })
    append(0, 100)
    const { used } = budget
    writer.rotate('revoke')
    await until('the objects', () => s3.objects.size === 100)
    const { stateBytes } = new PackedStream({ kind, level: -1 })
    // Each has 20 KB of lines besides, which are no less when they are compressed.
    expect(budget.peak).toBeLessThan(used + 4 * stateBytes + 100 * 1000)
    await writer.settled()
    expect(budget.used).toBe(0)
  },
)

it('does not wait for tags when it is closed', async () => {
  const asked = deferred<void>()
  const putTags = async (_key: string, _tags: unknown, signal: AbortSignal): Promise<void> => {
    asked.resolve()
    await abortable(new Promise<void>(() => undefined), signal)
  }
  const untagged = { add: () => expect.fail('it was not refused') }
  const logger = quietLogger()
  const tagger = new ObjectTagger({ store: { putTags }, pairs: [], failsOnError: false, logger, untagged })
  writer = new PartitionWriter({ topic: 't', partition: 0 }, new PartitionLedger(0), Promise.resolve(), {
    ...environment,
    tagger,
  })
  append(0, 1)
  writer.rotate('revoke')
  await asked.promise
  await writer.close(AbortSignal.timeout(60_000))
  expect(budget.used).toBe(0)
})
