import avsc from 'avsc'
import fc from 'fast-check'
import { ByteSink, DataError, type ConnectValue, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { AvroCursor } from '../../src/avro/binary/avro-cursor.ts'
import { avroOfConnect } from '../../src/avro/schema/avro-of-connect.ts'
import { avroReader } from '../../src/avro/binary/avro-reader.ts'
import { avroWriter } from '../../src/avro/binary/avro-writer.ts'
import { connectOfAvro } from '../../src/avro/schema/connect-of-avro.ts'
import { parseAvro } from '../../src/avro/parse-avro.ts'
import { valueFault } from '../../src/testing/data/value-fault.ts'
import { anyData } from '../support/registry/any-data.ts'
import { avroOptionsOf } from '../support/registry/avro-converters.ts'
import { seededRandom } from '../support/seeded-random.ts'

const options = avroOptionsOf()

function codec(schema: Schema) {
  const text = avroOfConnect(schema, options)
  const avro = parseAvro({ text, references: [] })
  const back = connectOfAvro(avro, options, null)
  const [write, read] = [avroWriter(avro, schema, options), avroReader(avro, back, options)]
  const [sink, cursor] = [new ByteSink(), new AvroCursor()]
  return {
    text,
    back,
    bytes: (value: ConnectValue): Buffer => {
      sink.begin()
      write(sink, value)
      return Buffer.from(sink.take())
    },
    value: (bytes: Uint8Array): ConnectValue => {
      cursor.begin(bytes, 0)
      const value = read(cursor)
      cursor.end()
      return value
    },
  }
}

const anyCase = anyData.chain(({ schema, value }) => fc.record({ schema: fc.constant(schema), value }))

describe('Connect data in Avro (I11)', () => {
  it('comes back as it was, schema and value', () => {
    fc.assert(
      fc.property(anyCase, ({ schema, value }) => {
        const { bytes, value: read, back } = codec(schema)
        expect(back).toEqual(schema)
        expect(read(bytes(value))).toEqual(value)
      }),
      { numRuns: 300 },
    )
  })

  it('is what avsc reads, to the last byte', () => {
    fc.assert(
      fc.property(anyCase, ({ schema, value }) => {
        const { bytes, text } = codec(schema)
        // Records of avsc are objects, of which a field cannot have this name. Names are not in the bytes.
        const named = JSON.parse(text.replaceAll('"__proto__"', '"proto"')) as avsc.Schema
        const type = avsc.Type.forSchema(named, {
          wrapUnions: true,
          typeHook: (part) => (part === 'long' || Reflect.get(Object(part), 'type') === 'long' ? bigLong() : undefined),
        })
        const written = bytes(value)
        // Nor can a key of a map: it would set the prototype.
        fc.pre(!written.includes('__proto__'))
        expect(type.toBuffer(type.fromBuffer(written))).toEqual(written)
      }),
      { numRuns: 200 },
    )
  })

  it('is refused with a DataError, and never hangs, when its bytes are changed', () => {
    const random = seededRandom(20_260_711)
    fc.assert(
      fc.property(anyCase, ({ schema, value }) => {
        const { bytes, value: read, back } = codec(schema)
        const valid = bytes(value)
        for (let i = 0; i < 100; i += 1) {
          const changed = mutated(valid, random)
          try {
            expect(valueFault(back, read(changed))).toBeNull()
          } catch (error) {
            if (!(error instanceof DataError)) throw error
          }
        }
      }),
      { numRuns: 100 },
    )
  })
})

/** Changes, inserts and removes bytes, in one to four places. */
function mutated(bytes: Buffer, random: () => number): Buffer {
  const result = [...bytes]
  for (let times = 1 + Math.floor(random() * 4); times > 0; times -= 1) {
    const place = Math.floor(random() * (result.length + 1))
    const byte = random() < 0.3 ? 0xff : Math.floor(random() * 256)
    const kind = random()
    if (kind < 0.6) result[Math.min(place, Math.max(0, result.length - 1))] = byte
    else if (kind < 0.8) result.splice(place, 0, byte)
    else result.splice(place, Math.floor(random() * 4))
  }
  return Buffer.from(result)
}

/** avsc has no exact long of its own. */
function bigLong(): avsc.Type {
  return avsc.types.LongType.__with({
    fromBuffer: (buffer: Buffer) => buffer.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const buffer = Buffer.alloc(8)
      buffer.writeBigInt64LE(value)
      return buffer
    },
    fromJSON: BigInt,
    toJSON: Number,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: (one: bigint, other: bigint) => Number(one - other),
  })
}
