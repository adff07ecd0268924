import { expect, it } from 'vitest'

import { memoryS3Sinks } from '../../../support/s3/memory-s3-sinks.ts'
import { runCli, type CliResult } from '../../../support/cli/run-cli.ts'

const sinks = memoryS3Sinks()

async function archived(): Promise<void> {
  for (let n = 0; n < 6; n += 1) sinks.log.append({ topic: 'orders', value: `value ${n}` })
  const sink = await sinks.start({ 'archive.manifest': 'true', 'flush.size': '3', 'topics.dir': 'topics' })
  await sink.runUntil('all records', () => sinks.log.committed.get('orders-0') === 6)
  await sink.crash()
}
async function verify(address: string, ...more: readonly string[]): Promise<CliResult> {
  const keys = ['aws.access.key.id=key', 'aws.secret.access.key=secret'].flatMap((pair) => ['--set', pair])
  return await runCli(['archive', 'verify', address, '--store-url', sinks.store.url, '--region', 'r', ...keys, ...more])
}

it('says that an archive is whole, with the offsets of each partition', async () => {
  await archived()
  const { code, out, err } = await verify('s3://bucket/topics/')
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(/^orders +0 +0 +6 +6 +2 +\d+ +0$/m)
  expect(out).toContain('The archive is whole.')
})

it('names what is wrong, and returns 1', async () => {
  await archived()
  const key = 'topics/orders/partition=0/orders+0+0000000003.json'
  sinks.store.objects.delete(key)
  const { code, out, err } = await verify('s3://bucket/topics')
  expect(code).toBe(1)
  expect(err).toContain(`missing object: ${key}: topics/orders/_manifest/`)
  expect(out).toContain('The archive has 1 faults.')
  const json = await verify('s3://bucket/topics', '--json')
  expect(JSON.parse(json.out)).toMatchObject({ partitions: [{ to: 6 }], faults: [{ kind: 'missing object', key }] })
})

it.each<[string[], string, number]>([
  [['archive', 'verify', 'bucket/topics'], 'an archive is s3://BUCKET or s3://BUCKET/PREFIX, not "bucket/topics"', 2],
  [['archive', 'verify', 's3://bucket', '--set', 'flush.size=3'], 'there is no option flush.size', 2],
  [
    [
      'archive',
      'verify',
      's3://bucket',
      '--store-url',
      'http://127.0.0.1:1',
      '--set',
      'aws.access.key.id=k',
      '--set',
      'aws.secret.access.key=s',
    ],
    'ECONNREFUSED',
    3,
  ],
])('%j fails with "%s" and %i', async (args, message, expected) => {
  const { code, err } = await runCli(args)
  expect(err).toContain(message)
  expect(code).toBe(expected)
})

it('fails where there is no archive', async () => {
  await archived()
  const { code, err } = await verify('s3://bucket/nowhere')
  expect([code, err]).toEqual([2, 'penstock: there are no objects of the S3 sink below s3://bucket/nowhere\n'])
})
