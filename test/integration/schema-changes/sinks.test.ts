import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { ClientHarness } from '../../contract/client-harness.ts'
import { TestDatabase } from '../../support/postgres/postgres.ts'
import { S3Bucket } from '../../support/s3/s3-bucket.ts'
import { archives, ChangedSinks, searches, separates } from '../../support/schema-changes/changed-sinks.ts'
import { sinkChanges } from '../../support/schema-changes/sink-changes.ts'
import { describeWith, service } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

const cells = sinkChanges.map((one) => ({ title: one.change.name, one }))

describeWith(['postgres', 'elasticsearch', 'versitygw'], 'the rows of a table that changes', () => {
  let sinks: ChangedSinks
  let worker: WorkerProcess
  const cleanups: (() => unknown)[] = []

  beforeAll(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-changed-sinks-'))
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
    const database = await TestDatabase.create(service('postgres'), 'sinks')
    cleanups.push(async () => await database.drop())
    const bucket = await S3Bucket.create(service('versitygw'))
    cleanups.push(async () => await bucket.remove())
    worker = await WorkerProcess.start(await workerPlace(join(directory, 'log')), { 'offset.flush.interval.ms': '100' })
    const harness = new ClientHarness(worker.place.broker)
    const kafka = await harness.connect()
    sinks = new ChangedSinks({ worker, kafka, database, elasticsearch: service('elasticsearch'), bucket })
    cleanups.push(async () => await sinks.close())
    cleanups.push(async () => await worker.kill())
    cleanups.push(async () => await harness.close())
    await sinks.start()
    await sinks.change()
  })
  afterAll(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  })

  for (const search of searches)
    it.each(cells)(`$title: documents and mapping, ${search}`, async ({ one }) => {
      const { types, documents, letters = {} } = await sinks.index(search, one)
      const expected = one[search]
      expect(documents).toEqual(expected.documents)
      expect(types).toEqual(expected.types)
      const reasons = Object.entries(expected.letters ?? {})
      expect(Object.keys(letters)).toEqual(reasons.map(([offset]) => offset))
      for (const [offset, reason] of reasons) expect(letters[Number(offset)]).toContain(reason)
    })

  for (const archive of archives)
    it.each(cells)(`$title: objects, ${archive}`, async ({ one }) => {
      const objects = await sinks.objects(archive, one)
      const counts = Object.fromEntries(Object.entries(objects).map(([offset, after]) => [offset, after.length]))
      expect(counts).toEqual(separates(archive, one) ? { 0: 1, 1: 2 } : { 0: 2 })
      const second = Object.values(objects).flat()[1]
      if (archive === 'forward' && one.projectedBack !== null) expect(second).toEqual(one.projectedBack)
      else expect(second).toMatchObject(one.change.written)
    })

  it('a sink that tolerates nothing fails with field and reason, and what can be done', async () => {
    await sinks.startSearch('strict', 'mapped', sinks.topicOf('avro', 'int_to_text'), {})
    const trace = await untilPasses(async () => {
      const [failure] = await worker.failures()
      return failure ?? expect.fail('the task has not failed')
    })
    const [topic, index] = [sinks.topicOf('avro', 'int_to_text'), sinks.indexOf('strict', 'int_to_text')]
    expect(trace).toContain(`ES_MALFORMED: Indexing failed: record ${topic}-0@1, document '2' of index '${index}'`)
    expect(trace).toContain('failed to parse field [n] of type [integer]')
    expect(trace).toContain('docs/guides/schema-evolution.md')
  })

  it.each([
    ['parquet.codec', 'lz4_raw'],
    ['avro.codec', 'bzip2'],
  ])('an archive with %s=%s is refused by name', async (option, value) => {
    const refused = await sinks.refusal('none', { [option]: value })
    expect(refused).toMatch(
      new RegExp(`HTTP 400 .*Invalid value ${value} for configuration ${option}: Not supported: `),
    )
  })
})
