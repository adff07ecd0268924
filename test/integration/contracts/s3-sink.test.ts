import { sinkContract } from 'penstock/testing'
import { afterEach, it } from 'vitest'

import { plugin } from '../../../connectors/s3-sink/index.ts'
import { HttpFaults } from '../../support/http-faults.ts'
import { S3Bucket } from '../../support/s3/s3-bucket.ts'
import { describeWith, service } from '../../support/services.ts'
import { patienceMs } from '../../support/until.ts'

describeWith(['minio'], 'the S3 sink on MinIO', () => suite('minio'))
describeWith(['versitygw'], 'the S3 sink on versitygw', () => suite('versitygw'))

function suite(store: 'minio' | 'versitygw'): void {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  const cases = sinkContract({
    plugin,
    waitMs: patienceMs,
    unusable: { 's3.bucket.name': 'there-is-no-such-bucket' },
    wrong: [
      { what: 'a bucket that does not exist', change: { 's3.bucket.name': 'none-such' }, names: ['s3.bucket.name'] },
    ],
    prepare: async () => {
      const bucket = await S3Bucket.create(service(store))
      closing.push(async () => await bucket.remove())
      const faults = await HttpFaults.before(new URL(service(store)).origin, true)
      closing.push(async () => await faults.close())
      return {
        faults,
        config: bucket.config({ 'flush.size': '2', 'rotate.on.revoke': 'true', topics: 'first,second' }, faults.url),
        record: (number, { topic, partition }) => ({ value: `${topic}-${partition} ${number}` }),
        identify: ({ value }) => (value === null ? null : String(value)),
        delivered: async () => [...(await bucket.objects()).values()].flat().map((line) => String(JSON.parse(line))),
      }
    },
    interrupt: async ({ faults }) => {
      faults.decide = () => ({ kind: 'drop' })
      return async () => void (faults.decide = () => ({ kind: 'pass' }))
    },
  })
  for (const { name, run } of cases) it(name, run)
}
