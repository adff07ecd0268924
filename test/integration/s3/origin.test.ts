import { gzipSync } from 'node:zlib'

import type { RawConfig } from 'penstock/api'
import { expect, it } from 'vitest'

import { faultyS3Sinks } from '../../support/s3/faulty-s3-sinks.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog } from '../../support/task/sink-task-harness.ts'

describeWith(['minio'], 'what the S3 sink finds in its place on MinIO', () => suite('minio'))
describeWith(['versitygw'], 'what the S3 sink finds in its place on versitygw', () => suite('versitygw'))

const binary = '\u0000\u0001 not gzip either'

function suite(store: 'minio' | 'versitygw'): void {
  const sinks = faultyS3Sinks(service(store), { 'flush.size': '3' })

  const keyOf = (offset: number, directory = 'topics', extension = '.json'): string =>
    `${directory}/${sinks.topic}/partition=0/${sinks.topic}+0+${String(offset).padStart(10, '0')}${extension}`

  /** A topic of that id, with so many records of that generation. */
  function line(id: string | null, generation: number, count: number, clusterId = 'cluster-1'): MemoryLog {
    const log = new MemoryLog(clusterId)
    if (id !== null) log.topicIds.set(sinks.topic, id)
    for (let n = 0; n < count; n += 1) log.append({ topic: sinks.topic, value: { generation, n } })
    return log
  }

  const lines = (generation: number, from: number, to: number): string =>
    Array.from({ length: to - from }, (_, i) => `${JSON.stringify({ generation, n: from + i })}\n`).join('')

  async function archived(log: MemoryLog, upTo: number, settings: RawConfig = {}): Promise<void> {
    const sink = await sinks.start(log, settings)
    await sink.runUntil('the objects', sinks.committed(sink, upTo))
    await sink.finish()
  }

  async function expectRefusal(log: MemoryLog, code: string, settings: RawConfig = {}): Promise<void> {
    const sink = await sinks.start(log, settings)
    await expect(sink.runUntil('an object', sinks.committed(sink, 3))).rejects.toThrow(code)
    expect(sink.log.committed.get(`${sinks.topic}-0`)).toBeUndefined()
  }

  it('objects name the cluster and the topic that their records are from, and are named by their first record', async () => {
    const log = line('id-1', 1, 0)
    for (const value of [null, null, { n: 2 }, null, { n: 4 }, null, { n: 6 }])
      log.append({ topic: sinks.topic, value })
    await archived(log, 7, { 'flush.size': '2', 'rotate.on.revoke': 'true', 'rotate.schedule.interval.ms': '300' })
    expect((await sinks.bucket.keys()).filter((key) => key.includes(`${sinks.topic}+`))).toEqual([keyOf(2), keyOf(6)])
    expect(await sinks.bucket.metadata(keyOf(2))).toMatchObject({
      'penstock-topic-id': 'id-1',
      'penstock-cluster-id': 'cluster-1',
    })
  })

  it.each([
    { what: 'of a topic that was created again', id: 'id-2', cluster: 'cluster-1', settings: {} },
    { what: 'of another cluster', id: 'id-1', cluster: 'cluster-2', settings: {} },
    { what: 'of another cluster without topic ids', id: null, cluster: 'cluster-2', settings: {} },
    {
      what: 'of a topic that was created again, without conditional writes',
      id: 'id-2',
      cluster: 'cluster-1',
      settings: { 'enable.conditional.writes': 'false' },
    },
  ])('records $what never replace an archived object, and go where the advice says', async (other) => {
    await archived(line('id-1', 1, 6), 6)
    const next = line(other.id, 2, 6, other.cluster)
    await expectRefusal(next, 'S3_OTHER_TOPIC', other.settings)
    expect([await sinks.bucket.text(keyOf(0)), await sinks.bucket.text(keyOf(3))]).toEqual([
      lines(1, 0, 3),
      lines(1, 3, 6),
    ])
    await archived(next, 6, { ...other.settings, 'topics.dir': 'again' })
    expect(await sinks.bucket.text(keyOf(0, 'again'))).toBe(lines(2, 0, 3))
    expect(await sinks.bucket.text(keyOf(0))).toBe(lines(1, 0, 3))
  })

  it('a store that does not know conditions is asked before', async () => {
    await archived(line('id-1', 1, 3), 3)
    sinks.faults.decide = (method) =>
      method === 'PUT' && sinks.faults.seen.filter((seen) => seen.startsWith('PUT')).length === 2
        ? { kind: 'answer', status: 501, body: '<Error><Code>NotImplemented</Code></Error>' }
        : { kind: 'pass' }
    await expectRefusal(line('id-2', 2, 3), 'S3_OTHER_TOPIC')
    expect(await sinks.bucket.text(keyOf(0))).toBe(lines(1, 0, 3))
  })

  it('the same topic replaces the object of an earlier run, although objects have other boundaries', async () => {
    const log = line('id-1', 1, 8)
    const sink = await sinks.start(log, { 'flush.size': '5' })
    sink.commitEvery = Number.POSITIVE_INFINITY
    await sink.runUntil('an object', async () => (await sinks.bucket.keys()).includes(keyOf(0)))
    await sink.crash()
    await archived(log, 8, { 'flush.size': '2' })
    expect([await sinks.bucket.text(keyOf(0)), await sinks.bucket.text(keyOf(2))]).toEqual([
      lines(1, 0, 2),
      lines(1, 2, 4),
    ])
  })

  it.each([
    { what: 'a connector of another make', metadata: {} },
    { what: 'an earlier version', metadata: { 'penstock-writer': '1-1-x' } },
  ])('what $what left is replaced where all of it is written again', async ({ metadata }) => {
    await sinks.bucket.put(keyOf(0), lines(1, 0, 3), metadata)
    await sinks.bucket.put(keyOf(0, 'topics', '.json.gz'), gzipSync(lines(1, 0, 2)), metadata)
    await archived(line('id-1', 1, 3), 3)
    await archived(line('id-1', 1, 3), 3, { 's3.compression.type': 'gzip' })
    for (const extension of ['.json', '.json.gz']) {
      expect(await sinks.bucket.text(keyOf(0, 'topics', extension))).toBe(lines(1, 0, 3))
      expect(await sinks.bucket.metadata(keyOf(0, 'topics', extension))).toMatchObject({ 'penstock-topic-id': 'id-1' })
    }
  })

  it.each([
    { what: 'other lines', left: '{"precious":1}\n' },
    { what: 'more lines', left: '{"generation":1,"n":0}\n{"generation":1,"n":1}\n{"generation":1,"n":2}\n{"n":3}\n' },
    { what: 'no text', left: binary },
  ])('an object that says nothing is not replaced if it holds $what, until it is deleted', async ({ left }) => {
    const log = line('id-1', 1, 6)
    for (const gzip of [false, true]) {
      const settings = gzip ? { 's3.compression.type': 'gzip' } : {}
      const key = keyOf(0, 'topics', gzip ? '.json.gz' : '.json')
      await sinks.bucket.put(key, gzip && left !== binary ? gzipSync(left) : left)
      const tag = await sinks.bucket.tag(key)
      await expectRefusal(log, 'S3_UNKNOWN_OBJECT', settings)
      expect(await sinks.bucket.tag(key)).toBe(tag)
      await sinks.bucket.delete(key)
      await archived(log, 6, settings)
      expect(await sinks.bucket.text(key)).toBe(lines(1, 0, 3))
      log.committed.clear()
    }
  })

  it('an object that may not be looked at is not replaced', async () => {
    await sinks.bucket.put(keyOf(0), lines(1, 0, 3))
    // A store gives no reason to HEAD; to GET it does.
    sinks.faults.decide = (method, path) => {
      if (!path.includes('topics/') || !['HEAD', 'GET'].includes(method)) return { kind: 'pass' }
      const body = method === 'HEAD' ? '' : '<Error><Code>AccessDenied</Code></Error>'
      return { kind: 'answer', status: 403, body }
    }
    await expectRefusal(line('id-1', 1, 3), 'S3_DENIED')
    await expectRefusal(line('id-1', 1, 3), 'S3_DENIED', { 'enable.conditional.writes': 'false' })
  })

  it('a large object that leaves in parts replaces none that says nothing', async () => {
    const log = line('id-1', 1, 0)
    for (let n = 0; n < 120; n += 1) log.append({ topic: sinks.topic, value: { n, text: 'x'.repeat(100_000) } })
    await sinks.bucket.put(keyOf(0), '{"n":0}\n')
    const settings = { 'flush.size': '120', 's3.part.size': '5242880' }
    await expectRefusal(log, 'S3_UNKNOWN_OBJECT', settings)
    expect(await sinks.bucket.text(keyOf(0))).toBe('{"n":0}\n')
  })

  it('a large object that is uploaded in parts replaces the object of an earlier run, and never other records at its offset', async () => {
    const log = line('id-1', 1, 0)
    const append = (timestamp: number): void => {
      for (let n = 0; n < 120; n += 1)
        log.append({ topic: sinks.topic, timestamp, value: { n, text: 'x'.repeat(100_000) } })
    }
    append(1_700_000_000_000)
    const settings = { 'flush.size': '120', 's3.part.size': '5242880' }
    const before = await sinks.start(log, settings)
    before.commitEvery = Number.POSITIVE_INFINITY
    await before.runUntil('the object', async () => (await sinks.bucket.keys()).includes(keyOf(0)))
    await before.crash()
    const left = await sinks.bucket.tag(keyOf(0))

    await archived(log, 120, { ...settings, 'flush.size': '60' })
    const replaced = await sinks.bucket.tag(keyOf(0))
    expect(replaced).not.toBe(left)
    log.committed.clear()
    log.records.get(`${sinks.topic}-0`)?.splice(0)
    append(1_700_000_000_001)
    await expectRefusal(log, 'S3_OTHER_RECORDS', settings)
    expect(await sinks.bucket.tag(keyOf(0))).toBe(replaced)
  })
}
