import type { RawConfig } from 'penstock/api'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { plugin } from '../../../connectors/s3-sink/index.ts'
import { HttpFaults } from '../../support/http-faults.ts'
import { S3Bucket } from '../../support/s3/s3-bucket.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

/** One life of a task: it is killed at a request, which may or may not have reached the store. */
interface Life {
  readonly rotation: RawConfig
  readonly records: number
  readonly batch: number
  readonly commitEvery: number
  readonly killedAt: number
  readonly reached: boolean
}

interface Plan {
  readonly settings: RawConfig
  readonly lives: readonly Life[]
  readonly skips: number
}

// Objects are cut in another way in each life: no two attempts agree on where objects end.
const rotation: fc.Arbitrary<RawConfig> = fc.oneof(
  fc.integer({ min: 1, max: 40 }).map((records) => ({ 'flush.size': String(records) })),
  fc.integer({ min: 20, max: 2000 }).map((bytes) => ({ 'flush.size': '100000', 'rotate.size.bytes': String(bytes) })),
  fc.integer({ min: 1, max: 20 }).map((ms) => ({ 'flush.size': '70', 'rotate.schedule.interval.ms': String(ms) })),
  fc.integer({ min: 1, max: 20 }).map((ms) => ({ 'flush.size': '70', 'rotate.interval.ms': String(ms) })),
)

const plans: fc.Arbitrary<Plan> = fc.record({
  settings: fc.record({
    's3.compression.type': fc.constantFrom('none', 'gzip'),
    'rotate.on.revoke': fc.constantFrom('true', 'false'),
    'enable.conditional.writes': fc.constantFrom('true', 'false'),
  }),
  lives: fc.array(
    fc.record({
      rotation,
      records: fc.integer({ min: 0, max: 120 }),
      batch: fc.integer({ min: 1, max: 60 }),
      commitEvery: fc.integer({ min: 1, max: 12 }),
      killedAt: fc.integer({ min: 6, max: 24 }),
      reached: fc.boolean(),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  skips: fc.constantFrom(0, 3, 7),
})

describeWith(['minio'], 'the S3 sink, killed at any request to MinIO', () => suite('minio'))
describeWith(['versitygw'], 'the S3 sink, killed at any request to versitygw', () => suite('versitygw'))

function suite(store: 'minio' | 'versitygw'): void {
  let bucket: S3Bucket
  beforeAll(async () => {
    bucket = await S3Bucket.create(service(store))
  })
  afterAll(async () => {
    await bucket.remove()
  })
  let topics = 0

  it('stores every offset once, whenever it is killed (I1, I9)', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        topics += 1
        const topic = `crash${topics}`
        const log = new MemoryLog()
        // Records whose number divides by `skips` are dropped on their way, as a transform would.
        const keeps = (n: number): boolean => plan.skips === 0 || n % plan.skips !== 1
        for (const life of plan.lives) await live(life, topic, log, { ...plan.settings, ...life.rotation }, keeps)
        await settle(topic, log, plan.settings, keeps)
        await expectCoveredOnce(topic, log, keeps)
      }),
      { numRuns: Number(process.env['CRASH_RUNS'] ?? 20), endOnFailure: true },
    )
  })

  async function live(
    life: Life,
    topic: string,
    log: MemoryLog,
    config: RawConfig,
    keeps: (n: number) => boolean,
  ): Promise<void> {
    fill(log, topic, life.records)
    const faults = await HttpFaults.before(new URL(service(store)).origin, true)
    let requests = 0
    let dead = false
    // The first request asks for the bucket, before the task holds anything.
    faults.decide = () => {
      requests += 1
      if (dead) return { kind: 'drop' }
      if (requests <= life.killedAt) return { kind: 'pass' }
      dead = true
      return { kind: life.reached ? 'drop-after' : 'drop' }
    }
    const sink = new SinkTaskHarness(plugin, bucket.config(config, faults.url), log)
    sink.keeps = ({ value }) => keeps((value as { n: number }).n)
    sink.commitEvery = life.commitEvery
    const started = await sink.start().then(
      () => true,
      () => false,
    )
    const ends = () => log.partitions.every((at) => sink.position(at) === log.records.get(nameOf(at))?.length)
    if (started) {
      const quiet = 40
      let idle = 0
      await sink.runUntil(
        'its death, or the end of its records',
        () => {
          idle = ends() ? idle + 1 : 0
          return dead || idle > quiet
        },
        life.batch,
      )
    }
    dead = true
    await sink.crash()
    await faults.close()
  }

  async function settle(
    topic: string,
    log: MemoryLog,
    config: RawConfig,
    keeps: (n: number) => boolean,
  ): Promise<void> {
    fill(log, topic, 10)
    const sink = new SinkTaskHarness(
      plugin,
      bucket.config({ ...config, 'flush.size': '50', 'rotate.interval.ms': '1' }),
      log,
    )
    sink.keeps = ({ value }) => keeps((value as { n: number }).n)
    await sink.start()
    await sink.runUntil('all offsets to be committed', async () => {
      await sink.commit()
      return log.partitions.every((at) => log.committed.get(nameOf(at)) === log.records.get(nameOf(at))?.length)
    })
    await sink.finish()
  }

  async function expectCoveredOnce(topic: string, log: MemoryLog, keeps: (n: number) => boolean): Promise<void> {
    const objects = await bucket.objects()
    for (const { partition } of log.partitions) {
      const count = log.records.get(`${topic}-${partition}`)?.length ?? 0
      const directory = `topics/${topic}/partition=${partition}/`
      const found = [...objects].filter(([key]) => key.startsWith(directory))
      const numbers = found.flatMap(([, lines]) => lines.map((line) => (JSON.parse(line) as { n: number }).n))
      expect(numbers).toEqual(Array.from({ length: count }, (_, n) => n).filter(keeps))
      for (const [key, lines] of found) {
        const start = Number(/\+(\d+)\.json/.exec(key)?.[1])
        expect((JSON.parse(lines[0] ?? '') as { n: number }).n).toBeGreaterThanOrEqual(start)
      }
    }
    for (const key of objects.keys()) await bucket.delete(key)
  }
}

function fill(log: MemoryLog, topic: string, count: number): void {
  for (const partition of [0, 1]) {
    for (let i = 0; i < count; i += 1) {
      const n = log.records.get(`${topic}-${partition}`)?.length ?? 0
      log.append({ topic, partition, value: { n } })
    }
  }
}

function nameOf({ topic, partition }: { readonly topic: string; readonly partition: number }): string {
  return `${topic}-${partition}`
}
