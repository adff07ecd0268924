import type { SchemaAndValue } from './converter.ts'
import { decimalTextOf, unscaledDecimal } from './decimal.ts'
import { int64Form } from './java/int64-form.ts'
import { javaFloatText } from './java/java-number.ts'
import { arrayOf, Logical, mapOf, primitive, type ConnectValue, type Schema, type SchemaType } from './schema.ts'

const string = primitive('STRING')
const boolean = primitive('BOOLEAN')
const float32 = primitive('FLOAT32')
const float64 = primitive('FLOAT64')
const date = primitive('INT32', { name: Logical.date, version: 1 })
const time = primitive('INT32', { name: Logical.time, version: 1 })
const timestamp = primitive('INT64', { name: Logical.timestamp, version: 1 })
const integers = (['INT8', 'INT16', 'INT32', 'INT64'] as const).map((type, i) => ({
  schema: primitive(type),
  bits: 8 << i,
}))

// As in Java, a number begins with a sign or a digit.
const numberText = /^(?:[+-]?\d+(?:\.\d*)?|[+-]\.\d+)(?:[eE][+-]?\d{1,3})?$/
const integerText = /^-?\d{1,20}$/
const dateText = /^\d{4}-\d\d-\d\d$/
const timeText = /^\d\d:\d\d:\d\d\.\d{3}Z$/
const timestampText = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const maxDepth = 100
/** More fraction digits than the shortest text of any double has. */
const maxDoubleScale = 345

/**
 * Parses a header's text as Connect's `Values.parseString` does: null, boolean, the smallest integer type that holds it,
 * float, decimal, ISO date, time or timestamp, list, map, or else the text itself. Unlike the original, it never rounds
 * (I11): a fraction becomes a FLOAT32, FLOAT64 or Decimal, the first that preserves its digits.
 */
export function parseHeaderText(text: string): SchemaAndValue {
  const found = scalar(text) ?? container(text)
  return found ?? { schema: string, value: text }
}

function scalar(text: string): SchemaAndValue | null {
  if (text === 'null') return { schema: null, value: null }
  if (text === 'true' || text === 'false') return { schema: boolean, value: text === 'true' }
  return numberText.test(text) ? number(text) : temporal(text)
}

function number(text: string): SchemaAndValue {
  // A fast path for the version header, which every record has.
  if (integerText.test(text)) return whole(BigInt(text))
  const value = Number(text)
  const fraction = /\.(\d*)/.exec(text)?.[1]?.length ?? 0
  const exponent = Number(/[eE](.*)$/.exec(text)?.[1] ?? 0)
  const scale = Math.max(0, fraction - exponent)
  const unscaled = unscaledDecimal(text, scale)
  const one = 10n ** BigInt(scale)
  if (unscaled % one === 0n) return whole(unscaled / one)
  if (scale > maxDoubleScale || !Number.isFinite(value)) return decimal(unscaled, scale)
  const isExact = unscaledDecimal(String(value), maxDoubleScale) === unscaledDecimal(text, maxDoubleScale)
  if (!isExact) return decimal(unscaled, scale)
  return { schema: Number(javaFloatText(value)) === value ? float32 : float64, value }
}

function whole(value: bigint): SchemaAndValue {
  const fitting = integers.find(({ bits }) => BigInt.asIntN(bits, value) === value)
  if (fitting === undefined) return decimal(value, 0)
  return { schema: fitting.schema, value: int64Form(value) }
}

function decimal(unscaled: bigint, scale: number): SchemaAndValue {
  const schema = primitive('BYTES', { name: Logical.decimal, version: 1, parameters: { scale: String(scale) } })
  return { schema, value: decimalTextOf(unscaled, scale) }
}

function temporal(text: string): SchemaAndValue | null {
  const iso = dateText.test(text)
    ? `${text}T00:00:00.000Z`
    : timeText.test(text)
      ? `1970-01-01T${text}`
      : timestampText.test(text)
        ? text
        : null
  const ms = iso === null ? Number.NaN : Date.parse(iso)
  if (iso === null || Number.isNaN(ms) || new Date(ms).toISOString() !== iso) return null
  if (text.length === 10) return { schema: date, value: ms / 86_400_000 }
  return { schema: text.length === 13 ? time : timestamp, value: ms }
}

function container(text: string): SchemaAndValue | null {
  if (!/^[[{]/.test(text)) return null
  const parser = new ContainerParser(text)
  const found = parser.element(0)
  return found !== null && parser.atEnd() ? found : null
}

/** Parses `[…]` and `{…}`. Null from any step means that the text is not a container. */
class ContainerParser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  atEnd(): boolean {
    this.#skipBlanks()
    return this.#at === this.#text.length
  }

  element(depth: number): SchemaAndValue | null {
    this.#skipBlanks()
    if (depth > maxDepth) return null
    if (this.#take('[')) return this.#list(depth)
    if (this.#take('{')) return this.#map(depth)
    return this.#text[this.#at] === '"' ? this.#quoted() : this.#bare()
  }

  #list(depth: number): SchemaAndValue | null {
    const items: SchemaAndValue[] = []
    if (!this.#closes(']')) {
      do {
        const item = this.element(depth + 1)
        if (item === null) return null
        items.push(item)
      } while (this.#takeAfterBlanks(','))
      if (!this.#takeAfterBlanks(']')) return null
    }
    const common = commonSchema(items)
    return { schema: common === null ? null : arrayOf(common), value: items.map((item) => item.value) }
  }

  #map(depth: number): SchemaAndValue | null {
    const keys: SchemaAndValue[] = []
    const values: SchemaAndValue[] = []
    if (!this.#closes('}')) {
      do {
        const key = this.element(depth + 1)
        if (key === null || !this.#takeAfterBlanks(':')) return null
        const value = this.element(depth + 1)
        if (value === null) return null
        keys.push(key)
        values.push(value)
      } while (this.#takeAfterBlanks(','))
      if (!this.#takeAfterBlanks('}')) return null
    }
    const keySchema = commonSchema(keys)
    const valueSchema = commonSchema(values)
    const map = new Map<ConnectValue, ConnectValue>(keys.map((key, i) => [key.value, values[i]?.value ?? null]))
    return { schema: keySchema === null || valueSchema === null ? null : mapOf(keySchema, valueSchema), value: map }
  }

  #quoted(): SchemaAndValue | null {
    const match = /"((?:[^"\\]|\\[^])*)"/y
    match.lastIndex = this.#at
    const found = match.exec(this.#text)
    if (found === null) return null
    this.#at = match.lastIndex
    const text = (found[1] ?? '').replace(/\\([^])/g, '$1')
    return temporal(text) ?? { schema: string, value: text }
  }

  #bare(): SchemaAndValue | null {
    const match = /[^\s,:{}[\]"]+/y
    // Timestamps contain colons, so they are tried before tokens, which end at a colon.
    const iso = /(?:\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d\.\d{3}Z/y
    for (const pattern of [iso, match]) {
      pattern.lastIndex = this.#at
      const found = pattern.exec(this.#text)
      if (found === null) continue
      this.#at = pattern.lastIndex
      return scalar(found[0]) ?? { schema: string, value: found[0] }
    }
    return null
  }

  #closes(bracket: string): boolean {
    return this.#takeAfterBlanks(bracket)
  }

  #takeAfterBlanks(character: string): boolean {
    this.#skipBlanks()
    return this.#take(character)
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #skipBlanks(): void {
    while (this.#text[this.#at] === ' ') this.#at += 1
  }
}

const widening: readonly SchemaType[] = ['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64']

/** Returns the common schema of all elements, with integers widened; null if there is none. */
function commonSchema(elements: readonly SchemaAndValue[]): Schema | null {
  let common: Schema | null = null
  for (const { schema } of elements) {
    if (schema === null) return null
    if (common === null || common === schema) common = schema
    else if (common.name !== null || schema.name !== null) return null
    else if (widening.includes(common.type) && widening.includes(schema.type)) {
      if (widening.indexOf(schema.type) > widening.indexOf(common.type)) common = schema
    } else if (!isSame(common, schema)) return null
  }
  return common
}

/** Compares schemas of lists and maps by those of their elements. */
function isSame(a: Schema | null, b: Schema | null): boolean {
  if (a === null || b === null) return a === b
  if (a.type !== b.type || a.name !== b.name) return false
  return a.name === null && isSame(a.keySchema, b.keySchema) && isSame(a.valueSchema, b.valueSchema)
}
