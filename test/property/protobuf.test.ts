import fc from 'fast-check'
import { DataError, isArray, isMap, valueSchemaOf, type ConnectValue, type RawConfig, type Schema } from 'penstock/api'
import protobuf from 'protobufjs'
import { describe, expect, it } from 'vitest'

import { knownProtos } from '../../plugins/converters/protobuf/schema/known-protos.ts'
import { valueFault } from '../../src/testing/data/value-fault.ts'
import { anyData } from '../support/registry/any-data.ts'
import { protobufCodec } from '../support/registry/protobuf-codec.ts'
import { seededRandom } from '../support/seeded-random.ts'

const anyCase = anyData.chain(({ schema, value }) => fc.record({ schema: fc.constant(schema), value }))

describe('Connect data in Protobuf (I11)', () => {
  it.each<[string, RawConfig]>([
    ['optional.for.nullables', { 'optional.for.nullables': 'true' }],
    ['wrapper.for.nullables', { 'wrapper.for.nullables': 'true' }],
  ])('comes back as it was with %s=true', (_, config) => {
    fc.assert(
      fc.property(anyCase, ({ schema, value }) => {
        fc.pre(isExpressible(schema) && holds(schema, value))
        const { bytes, value: read, back } = protobufCodec(schema, config)
        const found = read(bytes(value))
        expect(found).toEqual(asRead(schema, value))
        // Also when what was read is written again, with the schema that was read.
        const again = protobufCodec(back, config)
        expect(again.value(again.bytes(found))).toEqual(found)
      }),
      { numRuns: 300 },
    )
  })

  it('is what protobufjs reads, to the last byte', () => {
    fc.assert(
      fc.property(anyCase, ({ schema, value }) => {
        fc.pre(isExpressible(schema) && holds(schema, value))
        const { bytes, text } = protobufCodec(schema, { 'optional.for.nullables': 'true' })
        const root = new protobuf.Root()
        // Messages of protobufjs are objects, of which a field cannot have this name. Names are not in the bytes.
        for (const file of [...knownProtos.values(), text.replaceAll('__proto__', 'proto')])
          protobuf.parse(file, root, { keepCase: true })
        root.resolveAll()
        const type = root.lookupType(schema.name ?? '')
        const written = bytes(value).subarray(1)
        expect(Buffer.from(type.encode(type.decode(written)).finish())).toEqual(written)
      }),
      { numRuns: 200 },
    )
  })

  it('is refused with a DataError, and never hangs, when its bytes are changed', () => {
    const random = seededRandom(20_261_130)
    fc.assert(
      fc.property(anyCase, ({ schema, value }) => {
        fc.pre(isExpressible(schema) && holds(schema, value))
        const { bytes, value: read, back } = protobufCodec(schema, { 'wrapper.for.nullables': 'true' })
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

/** Protobuf has no arrays of arrays and no maps in arrays, and maps whose values are repeated are read as arrays. */
function isExpressible({ type, fields, valueSchema }: Schema): boolean {
  if (type === 'STRUCT') return fields.every((field) => isExpressible(field.schema))
  if (valueSchema === null) return true
  return valueSchema.type !== 'ARRAY' && valueSchema.type !== 'MAP' && isExpressible(valueSchema)
}

/** Protobuf has no null in arrays and maps, and a time is one of a day. */
function holds(schema: Schema, value: ConnectValue): boolean {
  if (value === null) return true
  if (schema.type === 'STRUCT')
    return schema.fields.every((field, i) => holds(field.schema, (value as ConnectValue[])[i] ?? null))
  if (isMap(value)) return [...value.values()].every((item) => item !== null && holds(valueSchemaOf(schema), item))
  if (schema.type !== 'ARRAY') return true
  return isArray(value) && value.every((item) => item !== null && holds(valueSchemaOf(schema), item))
}

/** An array or a map that is null is an empty one in Protobuf. */
function asRead(schema: Schema, value: ConnectValue): ConnectValue {
  if (value === null) return schema.type === 'ARRAY' ? [] : schema.type === 'MAP' ? new Map() : null
  if (schema.type === 'STRUCT')
    return schema.fields.map((field, i) => asRead(field.schema, (value as ConnectValue[])[i] ?? null))
  if (schema.type === 'ARRAY') return (value as ConnectValue[]).map((item) => asRead(valueSchemaOf(schema), item))
  return isMap(value) ? new Map([...value].map(([key, item]) => [key, asRead(valueSchemaOf(schema), item)])) : value
}

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
