import { isFlexible } from '../../../src/protocol/codec.ts'
import { encodeRequestFrame } from '../../../src/protocol/frame.ts'
import type { Api, Field, Fields } from '../../../src/protocol/schema.ts'
import { textBatch } from './broker-harness.ts'

const names = ['t', 'u', '', 'g', 'g2', 'member', 'consumer', 'range', 'cleanup.policy', 'compact', 'retention.ms']
const oddTexts = ['5', 'constructor', '__proto__', 'toString', 'x'.repeat(20_000), '../../etc', 'a\u0000b', '💥']
const texts = [...names, ...oddTexts]
const edges = [0, 1, -1, 2, 5, 100, 30_000, 6_000, 0x7fffffff, -0x80000000]
const largeEdges = [0, 1, -1, -2, -3, 5, 1e12, Number.MAX_SAFE_INTEGER]
const lyingCounts = [0x7fffffff, -1, -2, 1_000_000, 2_000_001, -0x80000000]
const lyingSizes = [-1, 0, 3, 0x7fffffff, 104_857_601]
/** Sections of tagged fields whose counts and sizes lie. */
const lyingTags = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [2, 0, 0xff, 0xff, 0xff, 0xff, 0x0f],
  [1, 1, 3, 1, 1, 1],
  [0x80, 0x80, 0x80, 0x80, 0x80],
]
/** Where the API key, the version and the body begin in a frame with its length. */
const [lengthAt, versionAt, bodyAt] = [0, 6, 4]

/** Request frames of the given APIs: some as they should be, most damaged in one of the ways in which frames are. */
export class FrameMutator {
  readonly #random: () => number

  /** @param random numbers in [0, 1) */
  constructor(random: () => number) {
    this.#random = random
  }

  /** A frame with its length in front. */
  next(apis: readonly Api[], correlationId: number): { readonly api: Api; readonly frame: Buffer } {
    const api = this.#pick(apis)
    const [first, last] = api.versions
    const version = first + this.#below(last - first + 1)
    const header = { apiVersion: version, correlationId, clientId: this.#pick(['x', '', null, 'é'.repeat(20)]) }
    const frame = Buffer.concat(encodeRequestFrame(api, header, this.#struct(api.request, version, 0)))
    const damaged = this.#damage(frame, api, version)
    if (this.#random() < 0.01) damaged.writeInt32BE(this.#pick(lyingSizes), lengthAt)
    return { api, frame: damaged }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T
  }

  #struct(fields: Fields, version: number, depth: number): Record<string, unknown> {
    const value: Record<string, unknown> = {}
    for (const [name, field] of Object.entries(fields)) {
      const { since = 0, until = Number.POSITIVE_INFINITY } = field.options
      if (version >= since && version <= until) value[name] = this.#value(name, field, version, depth)
    }
    return value
  }

  #value(name: string, field: Field, version: number, depth: number): unknown {
    const { nullable } = field.options
    const isNullable = nullable === true || (nullable !== undefined && version >= nullable)
    if (isNullable && this.#random() < 0.15) return null
    switch (field.type) {
      case 'bool':
        return this.#random() < 0.5
      case 'int8':
        return this.#pick([0, 1, 2, 3, 4, -1])
      case 'int16':
        return this.#pick([0, 1, -1, 2])
      case 'int32':
        return /maxWait|timeout/i.test(name) ? this.#pick([0, 1, 50, 6_000, 10_000]) : this.#pick(edges)
      case 'int64':
        return this.#pick(largeEdges)
      case 'string':
        return this.#pick(texts)
      case 'uuid':
        return this.#pick(['AAAAAAAAAAAAAAAAAAAAAA', 'AAAAAAAAAAAAAAAAAAAAAQ'])
      case 'bytes':
        return Buffer.from(this.#pick(texts))
      case 'records':
        return this.#records()
      case 'struct':
        return this.#struct(field.fields ?? {}, version, depth + 1)
      case 'array': {
        const { element } = field
        const length = this.#below(depth > 3 ? 2 : 4)
        return Array.from({ length }, () => (element === null ? null : this.#value(name, element, version, depth + 1)))
      }
    }
  }

  #records(): Buffer {
    if (this.#random() < 0.2) return Buffer.from('junk')
    const stamps = [{}, { codec: 'gzip' as const }, { producerId: 5, producerEpoch: 0, baseSequence: 0 }]
    return textBatch(
      [
        ['k', this.#pick(texts)],
        ['j', 'v'],
      ],
      this.#pick(stamps),
    )
  }

  #damage(frame: Buffer, api: Api, version: number): Buffer {
    const place = bodyAt + this.#below(Math.max(frame.length - bodyAt, 1))
    switch (this.#below(8)) {
      case 0:
        return frame
      case 1:
        for (let flips = 1 + this.#below(4); flips > 0; flips -= 1) {
          const at = bodyAt + this.#below(frame.length - bodyAt)
          frame[at] = (frame[at] ?? 0) ^ (1 << this.#below(8))
        }
        return frame
      case 2:
        if (place + 4 <= frame.length) frame.writeInt32BE(this.#pick(lyingCounts), place)
        return frame
      case 3:
        return withItsLength(frame.subarray(0, place))
      case 4: {
        const tail = Array.from({ length: 1 + this.#below(60) }, () => this.#below(256))
        return withItsLength(Buffer.concat([frame, Buffer.from(tail)]))
      }
      case 5:
        if (!isFlexible(api, version)) return frame
        return withItsLength(Buffer.concat([frame.subarray(0, -1), Buffer.from(this.#pick(lyingTags))]))
      case 6:
        return frame.fill(this.#pick([0, 0xff, 0x7f]), place, Math.min(frame.length, place + 1 + this.#below(12)))
      default:
        frame.writeInt16BE(this.#pick([version, 99, -1, 0, api.key]), versionAt)
        return frame
    }
  }
}

function withItsLength(frame: Buffer): Buffer {
  if (frame.length >= 4) frame.writeInt32BE(frame.length - 4, lengthAt)
  return frame
}
