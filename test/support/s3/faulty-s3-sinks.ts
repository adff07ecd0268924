import { systemClock, type Clock, type RawConfig } from 'penstock/api'
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest'

import { plugin } from '../../../connectors/s3-sink/index.ts'
import { HttpFaults } from '../http-faults.ts'
import { SinkTaskHarness, type MemoryLog } from '../task/sink-task-harness.ts'
import { S3Bucket } from './s3-bucket.ts'

/** What each test of a suite has: a topic of its own, and sinks whose requests to a real store can fail. */
export interface FaultyS3Sinks {
  /** The same for all tests of the suite. */
  readonly bucket: S3Bucket
  /** What is between the sinks and the store. */
  readonly faults: HttpFaults
  readonly topic: string
  config(settings?: RawConfig): RawConfig
  /** Starts a sink that reads the log. It is stopped after the test. */
  start(log: MemoryLog, settings?: RawConfig, clock?: Clock): Promise<SinkTaskHarness>
  /** Returns whether the sink has committed that offset of the topic's first partition. */
  committed(sink: SinkTaskHarness, offset: number): () => boolean
}

/**
 * Creates the bucket before a suite, and the proxy before each of its tests.
 * @param address the store's URL with its keys as user and password.
 * @param common settings of all sinks.
 */
export function faultyS3Sinks(address: string, common: RawConfig): FaultyS3Sinks {
  let bucket: S3Bucket
  let faults: HttpFaults
  let topics = 0
  let topic = ''
  let started: SinkTaskHarness[]
  beforeAll(async () => {
    bucket = await S3Bucket.create(address)
  })
  afterAll(async () => {
    await bucket.remove()
  })
  beforeEach(async () => {
    faults = await HttpFaults.before(new URL(address).origin, true)
    topics += 1
    topic = `faulty${topics}`
    started = []
  })
  afterEach(async () => {
    for (const sink of started) await sink.crash()
    await faults.close()
  })
  const config = (settings: RawConfig = {}): RawConfig => bucket.config({ ...common, ...settings }, faults.url)
  return {
    get bucket() {
      return bucket
    },
    get faults() {
      return faults
    },
    get topic() {
      return topic
    },
    config,
    async start(log, settings = {}, clock = systemClock) {
      const sink = new SinkTaskHarness(plugin, config(settings), log, clock)
      started.push(sink)
      await sink.start()
      return sink
    },
    committed: (sink, offset) => () => sink.log.committed.get(`${topic}-0`) === offset,
  }
}
