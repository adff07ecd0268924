import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { apis } from '../support/protocol/apis.ts'
import { ByteReader } from '../../src/protocol/bytes/byte-reader.ts'
import { decodeRequest, decodeResponse, encodeRequest, encodeResponse } from '../../src/protocol/codec.ts'
import type { Api } from '../../src/protocol/schema.ts'

/**
 * One line for each message and version: random bytes, and what the classes of Apache Kafka 3.9.1 read in them and write back
 * unchanged. Its JSON leaves out what the version does not have, gives bytes as base64, and record batches as their size.
 */
interface Sample {
  readonly key: number
  readonly version: number
  readonly kind: 'request' | 'response'
  readonly bytes: string
  readonly value: unknown
}

const file = fileURLToPath(new URL('./protocol-messages.jsonl', import.meta.url))
const samples = readFileSync(file, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Sample)
const byKey = new Map(Object.values(apis).map((api): [number, Api] => [api.key, api]))

/** What we decoded, cut down to what Kafka shows. */
function asShown(decoded: unknown, shown: unknown): unknown {
  if (Buffer.isBuffer(decoded)) return decoded.toString('base64')
  if (Array.isArray(decoded) && Array.isArray(shown)) return decoded.map((item, i) => asShown(item, shown[i]))
  if (typeof decoded !== 'object' || decoded === null || typeof shown !== 'object' || shown === null) return decoded
  const fields = decoded as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(shown).map(([name, value]) => {
      if (name !== 'recordsSizeInBytes') return [name, asShown(fields[name], value)]
      const records = fields['records']
      return [name, Buffer.isBuffer(records) ? records.length : 0]
    }),
  )
}

describe("messages as Kafka's own classes read and write them", () => {
  for (const { key, version, kind, bytes, value } of samples) {
    const api = byKey.get(key)
    it(`${api?.name} v${version} ${kind}`, () => {
      if (api === undefined) throw new RangeError(`API ${key} is not spoken`)
      const [decode, encode] = kind === 'request' ? [decodeRequest, encodeRequest] : [decodeResponse, encodeResponse]
      const reader = new ByteReader(Buffer.from(bytes, 'hex'))
      const decoded = decode(api, version, reader)
      expect(reader.remaining).toBe(0)
      expect(asShown(decoded, value)).toEqual(value)
      expect(encode(api, version, decoded).toString('hex')).toBe(bytes)
    })
  }

  it('are there for every version but ListOffsets v10, which Kafka 3.9 does not have, and DescribeConfigs v0', () => {
    const missing: string[] = []
    const known = new Set(samples.map(({ key, version, kind }) => `${key} ${version} ${kind}`))
    for (const api of byKey.values()) {
      for (let version = api.versions[0]; version <= api.versions[1]; version += 1) {
        for (const kind of ['request', 'response']) {
          if (!known.has(`${api.key} ${version} ${kind}`)) missing.push(`${api.name} v${version} ${kind}`)
        }
      }
    }
    expect(missing).toEqual([
      'ListOffsets v10 request',
      'ListOffsets v10 response',
      'DescribeConfigs v0 request',
      'DescribeConfigs v0 response',
    ])
  })
})
