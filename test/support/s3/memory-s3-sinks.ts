import { systemClock, type Clock, type ErrantRecordReporter, type RawConfig } from 'penstock/api'
import { afterEach, beforeEach } from 'vitest'

import { plugin } from '../../../connectors/s3-sink/index.ts'
import { MemoryLog, SinkTaskHarness } from '../task/sink-task-harness.ts'
import { MemoryS3 } from './memory-s3.ts'
import { sinkConfig } from './s3-config.ts'

/** What each test of a suite has: a store in memory, a log, and the sinks that it starts. */
export interface MemoryS3Sinks {
  readonly store: MemoryS3
  readonly log: MemoryLog
  /** Starts a sink that reads the log and writes to the store. It is stopped after the test. */
  start(settings: RawConfig, clock?: Clock, reporter?: ErrantRecordReporter): Promise<SinkTaskHarness>
}

/** Sets the store and the log up before each test of a suite. */
export function memoryS3Sinks(): MemoryS3Sinks {
  let store: MemoryS3
  let log: MemoryLog
  let started: SinkTaskHarness[]
  beforeEach(async () => {
    store = await MemoryS3.start()
    log = new MemoryLog()
    started = []
  })
  afterEach(async () => {
    for (const sink of started) await sink.crash()
    await store.close()
  })
  return {
    get store() {
      return store
    },
    get log() {
      return log
    },
    async start(settings, clock = systemClock, reporter) {
      const sink = new SinkTaskHarness(plugin, { ...sinkConfig, 'store.url': store.url, ...settings }, log, clock)
      sink.reporter = reporter ?? null
      started.push(sink)
      await sink.start()
      return sink
    },
  }
}
