import { sourceContract } from 'penstock/testing'
import { afterEach, it } from 'vitest'

import { plugin } from '../../../connectors/s3-source/index.ts'
import { HttpFaults } from '../../support/http-faults.ts'
import { S3Bucket } from '../../support/s3/s3-bucket.ts'
import { describeWith, service } from '../../support/services.ts'
import { patienceMs } from '../../support/until.ts'

describeWith(['minio'], 'the S3 source on MinIO', () => suite('minio'))
describeWith(['versitygw'], 'the S3 source on versitygw', () => suite('versitygw'))

function suite(store: 'minio' | 'versitygw'): void {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  const cases = sourceContract({
    plugin,
    waitMs: patienceMs,
    unusable: { 's3.bucket.name': 'there-is-no-such-bucket' },
    wrong: [
      { what: 'a bucket that does not exist', change: { 's3.bucket.name': 'none-such' }, names: ['s3.bucket.name'] },
      { what: 'the mode for objects of others', change: { mode: 'GENERIC' }, names: ['mode'] },
      { what: 'a topic without a pattern', change: { 'topic.regex.list': 'orders' }, names: ['topic.regex.list'] },
    ],
    prepare: async () => {
      const bucket = await S3Bucket.create(service(store))
      closing.push(async () => await bucket.remove())
      const faults = await HttpFaults.before(new URL(service(store)).origin, true)
      closing.push(async () => await faults.close())
      let added = 0
      return {
        faults,
        config: bucket.config({ 's3.poll.interval.ms': '20' }, faults.url),
        add: async (count) => {
          const numbers = Array.from({ length: count }, (_, i) => String(added + i))
          const start = String(added).padStart(10, '0')
          if (count > 0)
            await bucket.put(
              `topics/orders/partition=0/orders+0+${start}.json`,
              numbers.map((n) => `"${n}"\n`).join(''),
            )
          added += count
          return numbers
        },
        identify: ({ value }) => String(value),
      }
    },
    interrupt: async ({ faults }) => {
      faults.decide = () => ({ kind: 'drop' })
      return async () => void (faults.decide = () => ({ kind: 'pass' }))
    },
  })
  for (const { name, run } of cases) it(name, run)
}
