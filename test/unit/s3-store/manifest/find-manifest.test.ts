import { systemClock } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { S3Store } from '../../../../connectors/s3-store/client/s3-store.ts'
import { lastBefore } from '../../../../connectors/s3-store/manifest/find-manifest.ts'
import { MemoryS3 } from '../../../support/s3/memory-s3.ts'
import { storeSettingsOf } from '../../../support/s3/s3-config.ts'

let store: MemoryS3
let client: S3Store
beforeEach(async () => {
  store = await MemoryS3.start()
  client = new S3Store(storeSettingsOf({ 'store.url': store.url }), systemClock)
})
afterEach(async () => {
  client.close()
  await store.close()
})

const prefix = 't/_manifest/partition=0/t+0+'
const keyOf = (offset: number): string => `${prefix}${String(offset).padStart(20, '0')}.json`

it('finds the last manifest before an offset, however far it is, and none of a replay', async () => {
  store.pageSize = 3
  for (const offset of [0, 5, 6, 7, 8, 9, 70_000, 500_000_000]) store.put(keyOf(offset), Buffer.from('{}'))
  store.put(keyOf(8).replace('.json', '+replay-0123456789abcdef.json'), Buffer.from('{}'))
  const found: Record<number, string | undefined> = {}
  for (const start of [0, 5, 9, 69_999, 70_001, 500_000_000, 9_000_000_000]) {
    const last = await lastBefore(client, { prefix, start, keyOf }, new AbortController().signal)
    found[start] = last?.key.slice(prefix.length).replace(/^0+(?=\d)/, '')
  }
  expect(found).toEqual({
    0: undefined,
    5: '0.json',
    9: '8.json',
    69_999: '9.json',
    70_001: '70000.json',
    500_000_000: '70000.json',
    9_000_000_000: '500000000.json',
  })
})
