import { randomBytes } from 'node:crypto'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { checksumInput } from '../../../connectors/s3-store/client/input/checksums.ts'
import { RequestBody } from '../../../connectors/s3-store/client/request-body.ts'
import { customerKeyInput, encryptionInput } from '../../../connectors/s3-store/client/input/encryption.ts'
import { MemoryBudget } from '../../../connectors/s3-sink/object/memory-budget.ts'
import { PackedStream } from '../../../connectors/s3-sink/object/packed-stream.ts'

describe.each([
  ['gzip', gunzipSync],
  ['zstd', zstdDecompressSync],
] as const)('an object packed as a whole with %s', (kind, unpack) => {
  it('unpacks to its blocks, at every level', async () => {
    const blocks = fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.nat({ max: 3000 })), { maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(blocks, fc.integer({ min: -1, max: 9 }), async (parts, level) => {
        const packed = new PackedStream({ kind, level })
        const whole = parts.map(([text, times]) => Buffer.from(text.repeat(times)))
        const out: Buffer[] = []
        for (const block of whole) out.push(...(await packed.add(block)))
        out.push(...(await packed.end()))
        expect(unpack(Buffer.concat(out)).equals(Buffer.concat(whole))).toBe(true)
      }),
      { numRuns: 30 },
    )
  })

  it('has the bytes of each block when it is added', async () => {
    const packed = new PackedStream({ kind, level: -1 })
    const noise = randomBytes(8000)
    const sizeOf = (pieces: readonly Buffer[]): number => pieces.reduce((sum, { length }) => sum + length, 0)
    expect(sizeOf(await packed.add(noise))).toBeGreaterThan(8000)
    packed.close()
  })

  it('finds repetitions of the block before', async () => {
    const packed = new PackedStream({ kind, level: 6 })
    const noise = randomBytes(8000)
    const sizeOf = (pieces: readonly Buffer[]): number => pieces.reduce((sum, { length }) => sum + length, 0)
    const first = sizeOf(await packed.add(noise))
    expect(sizeOf(await packed.add(noise)) * 10).toBeLessThan(first)
    packed.close()
  })

  it('of nothing is a file of nothing', async () => {
    expect(unpack(Buffer.concat(await new PackedStream({ kind, level: -1 }).end())).length).toBe(0)
  })
})

describe('the checksum of a body', () => {
  it.each([
    ['crc32', 'ChecksumCRC32', 'y/Q5Jg=='],
    ['crc32c', 'ChecksumCRC32C', '4waSgw=='],
    ['sha256', 'ChecksumSHA256', 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU='],
  ] as const)('%s is sent in base64', async (algorithm, name, text) => {
    const body = new RequestBody([Buffer.from('1234'), Buffer.from('56789')])
    expect(await checksumInput(algorithm, body)).toEqual({ [name]: text })
  })

  it('is not computed unless the config asks for it', async () => {
    expect(await checksumInput(null, new RequestBody([Buffer.from('1234')]))).toEqual({})
  })

  it('with SHA-256 is computed once for the checksum and for the signatures of all attempts', async () => {
    const bytes = Buffer.from('123456789')
    const body = new RequestBody([bytes])
    const { sha256 } = body.stream()
    // A digest that is computed later is another one.
    bytes.fill(0)
    expect(body.stream().sha256).toBe(sha256)
    expect(await checksumInput('sha256', body)).toEqual({
      ChecksumSHA256: 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=',
    })
  })
})

describe('the encryption of an object', () => {
  it('is chosen when the object is created', () => {
    expect(encryptionInput(null)).toEqual({})
    expect(encryptionInput({ kind: 'AES256' })).toEqual({ ServerSideEncryption: 'AES256' })
    expect(encryptionInput({ kind: 'kms', keyId: null })).toEqual({ ServerSideEncryption: 'aws:kms' })
    expect(encryptionInput({ kind: 'kms', keyId: 'k' })).toMatchObject({ SSEKMSKeyId: 'k' })
  })

  it('needs a key of the customer in every request about the object', () => {
    const key = Buffer.alloc(32)
    const input = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: key.toString('base64') }
    expect(encryptionInput({ kind: 'customer', key })).toEqual(input)
    expect(customerKeyInput({ kind: 'customer', key })).toEqual(input)
    expect(customerKeyInput({ kind: 'AES256' })).toEqual({})
  })
})

describe('a memory budget', () => {
  it('is full at its limit, and resolves when it no longer is', async () => {
    const budget = new MemoryBudget(10)
    await budget.room()
    budget.add(10)
    let room = false
    const waiting = budget.room().then(() => (room = true))
    expect([budget.isFull, room]).toEqual([true, false])
    budget.add(-1)
    await waiting
    expect([budget.isFull, room, budget.used]).toEqual([false, true, 9])
  })
})
