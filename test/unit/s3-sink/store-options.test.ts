import { createHash } from 'node:crypto'

import type { RawConfig } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { formats } from '../../../connectors/s3-sink/config/format-options.ts'
import { memoryS3Sinks } from '../../support/s3/memory-s3-sinks.ts'

const sinks = memoryS3Sinks()
const committed = (offset: number) => (): boolean => sinks.log.committed.get('t-0') === offset
const append = (count: number): void => {
  for (let i = 0; i < count; i += 1) sinks.log.append({ topic: 't', key: `k${i}`, value: i })
}

const key = Buffer.alloc(32, 7)

it.each<[RawConfig, Readonly<Record<string, unknown>>]>([
  [{}, { 'x-amz-acl': undefined, 'x-amz-storage-class': undefined, expect: undefined, 'content-md5': undefined }],
  [{ 's3.acl.canned': 'bucket-owner-full-control' }, { 'x-amz-acl': 'bucket-owner-full-control' }],
  [{ 's3.storage.class': 'STANDARD_IA' }, { 'x-amz-storage-class': 'STANDARD_IA' }],
  [{ 's3.ssea.name': 'AES256' }, { 'x-amz-server-side-encryption': 'AES256' }],
  [
    { 's3.ssea.name': 'aws:kms', 's3.sse.kms.key.id': 'a-key' },
    { 'x-amz-server-side-encryption': 'aws:kms', 'x-amz-server-side-encryption-aws-kms-key-id': 'a-key' },
  ],
  [
    { 's3.ssea.name': 'AES256', 's3.sse.customer.key': key.toString('base64') },
    {
      'x-amz-server-side-encryption': undefined,
      'x-amz-server-side-encryption-customer-algorithm': 'AES256',
      'x-amz-server-side-encryption-customer-key': key.toString('base64'),
      'x-amz-server-side-encryption-customer-key-md5': createHash('md5').update(key).digest('base64'),
    },
  ],
  [{ 's3.send.digest': 'true' }, { 'content-md5': createHash('md5').update('0\n').digest('base64') }],
  [
    { 's3.checksum.algorithm': 'sha256' },
    { 'x-amz-checksum-sha256': createHash('sha256').update('0\n').digest('base64') },
  ],
  [{ 's3.http.send.expect.continue': 'true' }, { expect: '100-continue' }],
])('with %j, objects are put with %j', async (settings, headers) => {
  append(1)
  const sink = await sinks.start({ ...settings, 'flush.size': '1' })
  await sink.runUntil('the object', committed(1))
  const [object] = sinks.store.objects.values()
  for (const [name, value] of Object.entries(headers)) expect(object?.headers?.[name], name).toBe(value)
})

describe('s3.object.tagging', () => {
  const tagging: RawConfig = { 's3.object.tagging': 'true', 'flush.size': '3' }
  const tag = (name: string, value: string): string => `<Tag><Key>${name}</Key><Value>${value}</Value></Tag>`
  const tagsOf = (name: string): string[] => sinks.store.tags.get(name)?.match(/<Tag>.*?<\/Tag>/g) ?? []

  it('says which records an object has, and what else the config says', async () => {
    append(3)
    const keys = { 'store.kafka.keys': 'true', 'keys.format.class': formats.json }
    const pairs = { 's3.object.tagging.key.value.pairs': 'team:shop, at:12:30 ,endOffset:mine' }
    const sink = await sinks.start({ ...tagging, ...keys, ...pairs })
    sink.keeps = ({ offset }) => offset !== 1
    append(1)
    await sink.runUntil('the objects', committed(4))
    const expected = [
      tag('startOffset', '0'),
      tag('endOffset', 'mine'),
      tag('recordCount', '3'),
      tag('team', 'shop'),
      tag('at', '12:30'),
    ]
    expect(tagsOf('t/partition=0/t+0+0000000000.json')).toEqual(expected)
    expect(tagsOf('t/partition=0/t+0+0000000000.keys.json')).toEqual(expected)
  })

  it('has the offset of the last record', async () => {
    append(3)
    const sink = await sinks.start(tagging)
    await sink.runUntil('the object', committed(3))
    expect(tagsOf('t/partition=0/t+0+0000000000.json')).toContain(tag('endOffset', '2'))
  })

  it('that the store refuses is logged and counted, and the task continues', async () => {
    sinks.store.refusesTags = () => true
    append(3)
    const sink = await sinks.start(tagging)
    await sink.runUntil('the object', committed(3))
    expect(sink.counters.get('s3_untagged_objects_total')).toBe(1)
    expect(sink.logger.lines).toEqual([expect.stringMatching(/t\+0\+0000000000\.json has no tags: .*AccessDenied/)])
  })

  it('that the store refuses fails the task with s3.object.behavior.on.tagging.error=fail', async () => {
    sinks.store.refusesTags = () => true
    append(3)
    const sink = await sinks.start({ ...tagging, 's3.object.behavior.on.tagging.error': 'fail' })
    await expect(sink.runUntil('the object', committed(3))).rejects.toThrow(/AccessDenied/)
    expect(sinks.log.committed.get('t-0') ?? 0).toBe(0)
  })
})
