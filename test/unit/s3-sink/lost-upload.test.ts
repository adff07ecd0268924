import { afterEach, beforeEach, expect, it } from 'vitest'

import { HttpFaults, type Fault } from '../../support/http-faults.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { memoryS3Sinks } from '../../support/s3/memory-s3-sinks.ts'
import { until } from '../../support/until.ts'

const mebibyte = 1024 * 1024
const sinks = memoryS3Sinks()
let store: HttpFaults
beforeEach(async () => {
  store = await HttpFaults.before(sinks.store.url, true)
})
afterEach(async () => await store.close())

const begun = '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>'
const lost = '<Error><Code>NoSuchUpload</Code></Error>'
const answer = (status: number, body: string): Fault => ({ kind: 'answer', status, body })

it('a put gives its batch back while requests of a lost upload have not ended, and then reads the partition again', async () => {
  let isHeld = true
  store.decide = (method, path) => {
    if (method === 'POST' && path.includes('uploads')) return answer(200, begun)
    if (method === 'PUT' && path.includes('partNumber')) return answer(404, lost)
    if (method === 'DELETE' && path.includes('uploadId')) return isHeld ? { kind: 'hang' } : answer(204, '')
    return { kind: 'pass' }
  }
  const value = 'x'.repeat(mebibyte)
  for (let n = 0; n < 7; n += 1) sinks.log.append({ topic: 't', value })
  const clock = new ManualClock()
  const sink = await sinks.start({ 'store.url': store.url, 's3.part.size': String(5 * mebibyte) }, clock)
  let isDone = false
  const rereads = (): boolean => sink.logger.lines.some((line) => line.includes('reading again from offset 0'))
  const running = sink.runUntil('the partition is read again', () => isDone || rereads(), 7)
  await until('the batch is given back', () => {
    clock.advance(1000)
    return sink.refusals > 0
  })
  expect(sink.refusal).toMatchObject({ code: 'S3_UPLOAD_LOST' })
  expect(sink.refusal?.message).toContain('the store no longer has an upload of t-0')
  isHeld = false
  await until('the partition is read again', () => {
    clock.advance(1000)
    return rereads()
  })
  isDone = true
  await running
})
