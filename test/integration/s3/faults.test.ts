import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  NoSuchUpload,
  type MultipartUpload,
} from '@aws-sdk/client-s3'
import { systemClock, type Clock, type RawConfig } from 'penstock/api'
import { expect, it } from 'vitest'

import { plugin } from '../../../connectors/s3-sink/index.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import type { Fault } from '../../support/http-faults.ts'
import { faultyS3Sinks } from '../../support/s3/faulty-s3-sinks.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

describeWith(['minio'], 'the S3 sink before a MinIO that fails', () => suite('minio'))
describeWith(['versitygw'], 'the S3 sink before a versitygw that fails', () => suite('versitygw'))

const slowDown: Fault = {
  kind: 'answer',
  status: 503,
  body: '<Error><Code>SlowDown</Code><Message>Reduce your request rate</Message></Error>',
}

function suite(store: 'minio' | 'versitygw'): void {
  const sinks = faultyS3Sinks(service(store), { 'flush.size': '2', 's3.request.timeout.ms': '2000' })

  const keyOf = (offset: number): string =>
    `topics/${sinks.topic}/partition=0/${sinks.topic}+0+${String(offset).padStart(10, '0')}.json`

  function fill(count: number, log = new MemoryLog(), text = ''): MemoryLog {
    for (let i = 0; i < count; i += 1) {
      const n = log.records.get(`${sinks.topic}-0`)?.length ?? 0
      log.append({ topic: sinks.topic, value: text === '' ? { n } : { n, text } })
    }
    return log
  }

  async function numbers(): Promise<number[]> {
    const objects = [...(await sinks.bucket.objects())].filter(([key]) => key.includes(`/${sinks.topic}/`))
    return objects.flatMap(([, lines]) => lines.map((line) => (JSON.parse(line) as { n: number }).n))
  }

  const upTo = (count: number): number[] => Array.from({ length: count }, (_, n) => n)

  it('continues through refusals, lost requests, lost responses and truncated responses, and loses nothing', async () => {
    const sink = await sinks.start(fill(20))
    const turns: Fault[] = [
      { kind: 'drop' },
      slowDown,
      { kind: 'drop-after' },
      { kind: 'answer', status: 500, body: '<Error><Code>InternalError</Code></Error>' },
      { kind: 'pass' },
      { kind: 'answer', status: 429, body: '' },
      { kind: 'cut' },
    ]
    let requests = 0
    sinks.faults.decide = () => turns[(requests += 1) % turns.length] ?? { kind: 'pass' }
    await sink.runUntil('all objects', sinks.committed(sink, 20), 3)
    expect(await numbers()).toEqual(upTo(20))
    expect(sink.counters.get('s3_retries_total')).toBeGreaterThan(10)
    expect(sink.counters.get('s3_records_total')).toBe(20)
  })

  it('uploads parts through the same failures', async () => {
    const settings = { 'flush.size': '120', 's3.part.size': '5242880' }
    const sink = await sinks.start(fill(120, new MemoryLog(), 'x'.repeat(100_000)), settings)
    const turns: Fault[] = [{ kind: 'pass' }, { kind: 'drop-after' }, slowDown, { kind: 'cut' }]
    let requests = 0
    sinks.faults.decide = () => turns[(requests += 1) % turns.length] ?? { kind: 'pass' }
    await sink.runUntil('the object', sinks.committed(sink, 120), 10)
    expect(await numbers()).toEqual(upTo(120))
  })

  it('pauses reading when the memory is full, and resumes it (I10)', async () => {
    const settings = { 'flush.size': '1000', 's3.buffer.bytes': '8388608', 's3.part.size': '5242880' }
    const sink = await sinks.start(fill(200, new MemoryLog(), 'x'.repeat(100_000)), settings)
    sinks.faults.decide = () => ({ kind: 'drop' })
    await sink.runUntil('the memory to be full', () => sink.refusals > 0, 5)
    const taken = sink.position({ topic: sinks.topic, partition: 0 })
    expect(taken).toBeGreaterThan(60)
    expect(taken).toBeLessThan(110)
    sinks.faults.decide = () => ({ kind: 'pass' })
    await sink.runUntil('all records to be taken', () => sink.position({ topic: sinks.topic, partition: 0 }) === 200, 5)
  })

  it('completes objects early when many partitions share little memory', async () => {
    const log = new MemoryLog()
    for (let partition = 0; partition < 40; partition += 1) {
      for (let n = 0; n < 5; n += 1)
        log.append({ topic: sinks.topic, partition, value: { n, text: 'x'.repeat(100_000) } })
    }
    const settings = { 'flush.size': '1000', 's3.buffer.bytes': '8388608', 's3.part.size': '5242880' }
    const sink = await sinks.start(log, settings)
    await sink.runUntil('all records to be taken', () => log.partitions.every((at) => sink.position(at) === 5), 20)
    await sink.runUntil('a commit', () => log.committed.size > 0, 20)
  })

  it('names objects after the topic that was read, and logs that once', async () => {
    const log = new MemoryLog()
    const record = log.append({ topic: sinks.topic, value: { n: 0 } })
    log.records.set(`${sinks.topic}-0`, [{ ...record, topic: 'renamed' }])
    const sink = await sinks.start(log, { 'flush.size': '1' })
    await sink.runUntil('the object', sinks.committed(sink, 1))
    expect(await numbers()).toEqual([0])
    expect(sink.logger.lines.filter((line) => line.includes(`renames ${sinks.topic} to renamed`)).length).toBe(1)
  })

  it('reads the records of an upload again that the store no longer has', async () => {
    const settings = { 'flush.size': '120', 's3.part.size': '5242880' }
    const log = fill(60, new MemoryLog(), 'x'.repeat(100_000))
    const sink = await sinks.start(log, settings)
    const openUploads = async (): Promise<MultipartUpload[]> => {
      const list = new ListMultipartUploadsCommand({ Bucket: sinks.bucket.name, Prefix: keyOf(0) })
      return (await sinks.bucket.client.send(list)).Uploads ?? []
    }
    const parts = async (): Promise<number> => {
      const [upload] = await openUploads()
      if (upload === undefined) return 0
      const list = new ListPartsCommand({ Bucket: sinks.bucket.name, Key: upload.Key, UploadId: upload.UploadId })
      try {
        return (await sinks.bucket.client.send(list)).Parts?.length ?? 0
      } catch (error) {
        // MinIO lists an upload a moment before it knows it.
        if (error instanceof NoSuchUpload) return 0
        throw error
      }
    }
    await sink.runUntil('a part', async () => (await parts()) === 1, 10)
    for (const { Key, UploadId } of await openUploads()) {
      await sinks.bucket.client.send(new AbortMultipartUploadCommand({ Bucket: sinks.bucket.name, Key, UploadId }))
    }
    fill(60, log, 'x'.repeat(100_000))
    await sink.runUntil('the object', sinks.committed(sink, 120), 10)
    expect(sink.logger.lines.join('\n')).toContain('reading again from offset 0')
    expect(await numbers()).toEqual(upTo(120))
  })

  it('replaces the object that an earlier run left uncommitted', async () => {
    await sinks.bucket.put(keyOf(0), '{"n":0}\n{"n":1}\n{"n":2}\n', {
      'penstock-writer': '1-1-x',
      'penstock-cluster-id': 'a-cluster',
    })
    const sink = await sinks.start(fill(4))
    await sink.runUntil('both objects', sinks.committed(sink, 4))
    expect(await numbers()).toEqual(upTo(4))
  })

  it('does not replace an existing object when it is no longer a member of the group', async () => {
    const sink = await sinks.start(fill(2))
    await sinks.bucket.put(keyOf(0), '{"n":0}\n{"n":1}\n{"n":2}\n', {
      'penstock-writer': 'successor',
      'penstock-cluster-id': 'a-cluster',
    })
    sink.holds = false
    await sink.runUntil('refused commits', () => sink.refusedCommits > 1)
    expect(await numbers()).toEqual(upTo(3))
  })

  it('writes without conditions on a store that does not support them', async () => {
    const sink = await sinks.start(fill(2))
    sinks.faults.decide = (method) =>
      method === 'PUT' && sinks.faults.seen.filter((seen) => seen.startsWith('PUT')).length === 1
        ? { kind: 'answer', status: 501, body: '<Error><Code>NotImplemented</Code></Error>' }
        : { kind: 'pass' }
    await sink.runUntil('the object', sinks.committed(sink, 2))
    expect(await numbers()).toEqual(upTo(2))
  })

  it('adopts the time of the store when its own clock is wrong', async () => {
    const clock: Clock = { ...systemClock, now: () => systemClock.now() - 3_600_000 }
    const sink = await sinks.start(fill(2), {}, clock)
    await sink.runUntil('the object', sinks.committed(sink, 2))
    expect(await numbers()).toEqual(upTo(2))
  })

  it('fails with S3_DENIED when the store denies access', async () => {
    const sink = await sinks.start(fill(2))
    sinks.faults.decide = (method) =>
      method === 'PUT'
        ? {
            kind: 'answer',
            status: 403,
            body: '<Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>',
          }
        : { kind: 'pass' }
    await expect(sink.runUntil('the object', sinks.committed(sink, 2))).rejects.toThrow(
      /S3_DENIED: PUT topics.*AccessDenied: Access Denied.*Grant the credentials s3:PutObject/,
    )
  })

  /** A load balancer without backend, a wrong virtual host: it says 404, and knows nothing of objects. */
  const pages = ['', '<html><head><title>404 Not Found</title></head><body></body></html>']
  const kinds: readonly [string, RegExp, RawConfig][] = [
    ['PUT', /^PUT .*x-id=PutObject/, {}],
    ['the creation of an upload', /^POST .*\?uploads/, { 'flush.size': '120' }],
    ['the upload of a part', /^PUT .*partNumber=/, { 'flush.size': '120' }],
    ['the completion of an upload', /^POST .*\?uploadId=/, { 'flush.size': '120' }],
  ]
  it.each(kinds.flatMap(([what, request, settings]) => pages.map((body) => [what, body, request, settings] as const)))(
    'does not take a 404 to %s with the body "%s" for one of the store: it shows the wait, and continues',
    async (_what, body, request, settings) => {
      const count = settings['flush.size'] === '120' ? 120 : 2
      const text = count === 120 ? 'x'.repeat(100_000) : ''
      const sink = await sinks.start(fill(count, new MemoryLog(), text), { 's3.part.size': '5242880', ...settings })
      const waits: string[] = []
      sinks.faults.decide = (method, path) => {
        const wait = sink.conditions.get('S3_UNAVAILABLE')
        if (wait?.includes('404') === true) waits.push(wait)
        const fails = waits.length === 0 && request.test(`${method} ${path}`)
        return fails ? { kind: 'answer', status: 404, body } : { kind: 'pass' }
      }
      await sink.runUntil('the object', sinks.committed(sink, count), 10)
      expect(await numbers()).toEqual(upTo(count))
      expect(waits).not.toEqual([])
      expect(sink.conditions.size).toBe(0)
    },
  )

  it('does not replace the object of another cluster when a proxy says that it is not there', async () => {
    const theirs = { 'penstock-writer': '1-1-x', 'penstock-cluster-id': 'another-cluster' }
    await sinks.bucket.put(keyOf(0), '{"n":7}\n', theirs)
    const sink = await sinks.start(fill(2), { 'enable.conditional.writes': 'false' })
    let isHealed = false
    sinks.faults.decide = (method) => {
      isHealed ||= sink.conditions.has('S3_UNAVAILABLE')
      return method === 'HEAD' && !isHealed ? { kind: 'answer', status: 404, body: '' } : { kind: 'pass' }
    }
    await expect(sink.runUntil('the object', sinks.committed(sink, 2))).rejects.toThrow(/another-cluster|occupied/i)
    expect(await numbers()).toEqual([7])
  })

  it('does not call a bucket missing at validation when a proxy says 404', async () => {
    sinks.faults.decide = () => ({ kind: 'answer', status: 404, body: pages[1] ?? '' })
    const problems = await plugin.check?.(
      parseConfig(plugin.configDef, sinks.config()),
      sinks.config(),
      AbortSignal.timeout(60_000),
    )
    expect(problems?.map(({ message }) => message)).toEqual([expect.stringMatching(/^S3_UNAVAILABLE: .*404.*proxy/)])
  })

  it.each<[string, RawConfig, string, string]>([
    ['a bucket that is not there', { 's3.bucket.name': 'penstock-no-such-bucket' }, 'S3_NO_BUCKET', 's3.bucket.name'],
    ['a wrong secret key', { 'aws.secret.access.key': 'wrong' }, 'S3_CREDENTIALS', 'aws.access.key.id'],
    ['an unknown access key', { 'aws.access.key.id': 'unknown' }, 'S3_CREDENTIALS', 'aws.access.key.id'],
    ['a store that does not respond', { 'store.url': 'http://127.0.0.1:9' }, 'S3_UNAVAILABLE', 'store.url'],
  ])('names %s at validation and at the start', async (_what, wrong, code, key) => {
    const config = parseConfig(plugin.configDef, sinks.config(wrong))
    const problems = await plugin.check?.(config, sinks.config(wrong), AbortSignal.timeout(60_000))
    expect(problems?.map((problem) => [problem.key, problem.message.slice(0, code.length)])).toEqual([[key, code]])
    const sink = new SinkTaskHarness(plugin, sinks.config(wrong), fill(1))
    await expect(sink.start()).rejects.toThrow(code)
  })

  it('reports nothing at validation when the bucket is reachable', async () => {
    expect(
      await plugin.check?.(parseConfig(plugin.configDef, sinks.config()), sinks.config(), AbortSignal.timeout(60_000)),
    ).toEqual([])
  })

  it('completes objects by the schedule and by the interval although no record arrives', async () => {
    for (const rotation of ['rotate.schedule.interval.ms', 'rotate.interval.ms']) {
      const log = fill(3, new MemoryLog())
      const sink = await sinks.start(log, { 'flush.size': '1000', [rotation]: '50' })
      await sink.runUntil(`${rotation} to pass`, sinks.committed(sink, 3))
      expect(await numbers()).toEqual(upTo(3))
    }
  })

  it('completes open objects when it stops with rotate.on.revoke, and aborts uploads without it', async () => {
    const settings = { 'flush.size': '1000', 's3.part.size': '5242880' }
    const left = await sinks.start(fill(70, new MemoryLog(), 'x'.repeat(100_000)), settings)
    const begun = async (): Promise<boolean> => (await sinks.bucket.openUploads(keyOf(0))).length === 1
    await left.runUntil('a part', begun, 10)
    await left.finish()
    expect(await sinks.bucket.openUploads(keyOf(0))).toEqual([])
    expect(await numbers()).toEqual([])
    const log = fill(3)
    const completed = await sinks.start(log, { ...settings, 'rotate.on.revoke': 'true' })
    await completed.deliver()
    await completed.finish()
    expect(log.committed.get(`${sinks.topic}-0`)).toBe(3)
    expect(await numbers()).toEqual(upTo(3))
  })

  it('removes the parts that a killed process left behind', async () => {
    const settings = { 'flush.size': '1000', 's3.part.size': '5242880' }
    const log = fill(70, new MemoryLog(), 'x'.repeat(100_000))
    const killed = await sinks.start(log, settings)
    const begun = async (): Promise<boolean> => (await sinks.bucket.openUploads(keyOf(0))).length === 1
    await killed.runUntil('a part', begun, 10)
    sinks.faults.decide = () => ({ kind: 'drop' })
    await killed.crash()
    expect((await sinks.bucket.openUploads(keyOf(0))).length).toBe(1)
    sinks.faults.decide = () => ({ kind: 'pass' })
    const next = await sinks.start(log, settings)
    await next.runUntil('the parts to go', async () => (await sinks.bucket.openUploads(keyOf(0))).length === 0, 0)
  })

  it('skips a record without a value, or fails at it with behavior.on.null.values=fail', async () => {
    const log = fill(1)
    log.append({ topic: sinks.topic, value: null })
    fill(1, log)
    const strict = await sinks.start(log, { 'behavior.on.null.values': 'fail' })
    await expect(strict.runUntil('the end', sinks.committed(strict, 3))).rejects.toThrow(
      `S3_NULL_VALUE: the record ${sinks.topic}-0@1`,
    )
    const lenient = await sinks.start(log)
    await lenient.runUntil('the object', sinks.committed(lenient, 3))
    expect(await numbers()).toEqual([0, 2])
  })

  const tombstones = (count: number): MemoryLog => {
    const log = new MemoryLog()
    for (let i = 0; i < count; i += 1) log.append({ topic: sinks.topic, value: null })
    return log
  }

  it('commits past records that went into no object', async () => {
    const sink = await sinks.start(tombstones(5))
    await sink.deliver()
    await sink.runUntil('the commit', async () => {
      await sink.commit()
      return sinks.committed(sink, 5)()
    })
  })

  it('does not commit past them when an earlier run left an object that covers the following records', async () => {
    // The record by whose offset that object is named has no line in the next life: compaction removed it.
    const before = await sinks.start(fill(3), { 'flush.size': '3' })
    before.commitEvery = Number.POSITIVE_INFINITY
    await before.runUntil('the object', async () => (await numbers()).length === 3)
    await before.crash()
    const sink = await sinks.start(tombstones(2), { 'flush.size': '1' })
    await sink.deliver()
    for (let commits = 0; commits < 20; commits += 1) {
      expect(await sink.commit()).toEqual([])
      await sinks.bucket.objects()
    }
    fill(1, sink.log)
    await sink.runUntil('the object again', sinks.committed(sink, 3))
    expect(await numbers()).toEqual([2])
  })
}
