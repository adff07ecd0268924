import { createHash } from 'node:crypto'
import type { ConnectValue, Schema } from 'penstock/api'
import { jsonOf } from './json-text.ts'

/**
 * Debezium's forms of the placeholder for an unavailable (unchanged large) value, by column type: the text itself, its bytes,
 * an array of one of them, its bytes as numbers, a UUID made of it, or a map of it to itself.
 */
export interface Placeholder {
  /** Values that stand for "unavailable" in a field of this schema. */
  valuesFor(schema: Schema): readonly ConnectValue[]
  /** Returns whether the JSON text of a schemaless field is the placeholder. */
  isJson(text: string): boolean
  /** Returns whether a text can contain it: a cheap first check. */
  mayHold(json: string): boolean
}

/** @param text the source's `unavailable.value.placeholder`. */
export function placeholderOf(text: string): Placeholder {
  const bytes = Buffer.from(text)
  const numbers = [...bytes].map((byte) => (byte << 24) >> 24)
  const uuid = uuidOf(bytes)
  const base64 = bytes.toString('base64')
  const map = new Map<ConnectValue, ConnectValue>([[text, text]])
  const mapJson = JSON.stringify({ [text]: text })
  const forms = [text, [text], base64, [base64], numbers, [uuid], mapJson, { [text]: text }]
  const json = new Set(forms.map((value) => jsonOf(value)))
  const marks = [text, base64, uuid, numbers.slice(0, 12).join(',')]
  return {
    valuesFor: (schema) => candidates(schema, { text, bytes, numbers, uuid, map, mapJson }),
    isJson: (field) => json.has(field),
    mayHold: (document) => marks.some((mark) => document.includes(mark)),
  }
}

interface Forms {
  readonly text: string
  readonly bytes: Buffer
  readonly numbers: readonly number[]
  readonly uuid: string
  readonly map: ReadonlyMap<ConnectValue, ConnectValue>
  readonly mapJson: string
}

function candidates(schema: Schema, forms: Forms): readonly ConnectValue[] {
  switch (schema.type) {
    case 'STRING':
      return schema.name === null || schema.name === 'io.debezium.data.Json'
        ? [forms.text, forms.mapJson]
        : [forms.text]
    case 'BYTES':
      return schema.name === null ? [forms.bytes] : []
    case 'MAP':
      return schema.keySchema?.type === 'STRING' && schema.valueSchema?.type === 'STRING' ? [forms.map] : []
    case 'ARRAY':
      return elementForms(schema.valueSchema, forms)
    default:
      return []
  }
}

function elementForms(element: Schema | null, forms: Forms): readonly ConnectValue[] {
  if (element?.type === 'STRING') return element.name === 'io.debezium.data.Uuid' ? [[forms.uuid]] : [[forms.text]]
  if (element?.type === 'BYTES' && element.name === null) return [[forms.bytes]]
  return element?.type === 'INT32' || element?.type === 'INT64' ? [forms.numbers] : []
}

/** UUID version 3 of the bytes, as by Java's `UUID.nameUUIDFromBytes`. */
function uuidOf(bytes: Uint8Array): string {
  const hash = createHash('md5').update(bytes).digest()
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x30
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80
  const hex = hash.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
