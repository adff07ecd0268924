import type { ConnectValue, RawConfig, SourceRecord } from 'penstock/api'
import { afterEach } from 'vitest'

import { plugin } from '../../../connectors/s3-source/index.ts'
import { MemoryOffsets, SourceTaskHarness } from '../task/source-task-harness.ts'
import { memoryS3Sinks, type MemoryS3Sinks } from './memory-s3-sinks.ts'

/** A store in memory, sinks that write to it, and sources that read from it. */
export interface MemoryS3Archive extends MemoryS3Sinks {
  /** What survives of the sources of a test. */
  readonly offsets: MemoryOffsets
  /** Starts a source. It is stopped after the test. */
  read(settings?: RawConfig, pollLimit?: number): Promise<SourceTaskHarness>
}

/** Sets the store up before each test of a suite. */
export function memoryS3Archive(): MemoryS3Archive {
  const sinks = memoryS3Sinks()
  const sources: SourceTaskHarness[] = []
  let offsets = new MemoryOffsets()
  afterEach(async () => {
    for (const source of sources.splice(0)) await source.stop()
    offsets = new MemoryOffsets()
  })
  return {
    get store() {
      return sinks.store
    },
    get log() {
      return sinks.log
    },
    get offsets() {
      return offsets
    },
    start: async (settings) => await sinks.start(settings),
    async read(settings = {}, pollLimit = Number.POSITIVE_INFINITY) {
      const config = {
        name: 'restore',
        'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
        's3.bucket.name': 'bucket',
        's3.region': 'us-east-1',
        'store.url': sinks.store.url,
        'aws.access.key.id': 'reader',
        'aws.secret.access.key': 'secret',
        'topics.dir': '',
        's3.poll.interval.ms': '20',
        ...settings,
      }
      const source = new SourceTaskHarness(plugin, config, { offsets, pollLimit })
      sources.push(source)
      await source.start()
      return source
    },
  }
}

/** The values of the records of a partition, in their order. */
export function valuesOf(records: readonly SourceRecord[], partition: number): ConnectValue[] {
  return records.filter((record) => record.partition === partition).map(({ value }) => value)
}
