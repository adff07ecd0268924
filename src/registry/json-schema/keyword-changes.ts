import { isArray, isObject, JsonNumber, type JsonNode, type JsonObject } from '../json/json-node.ts'
import type { JsonSchemaDifference } from './json-schema-difference.ts'
import type { JsonSchemaPart } from './json-schema-shape.ts'

/** Compares two parts: what an original accepts that an update does not. */
export type Compare = (original: JsonSchemaPart, update: JsonSchemaPart) => readonly JsonSchemaDifference[]

/** Limits of which a greater, or a smaller, number accepts less. */
const limits = {
  string: { maxLength: 'upper', minLength: 'lower', pattern: 'pattern' },
  number: {
    maximum: 'upper',
    minimum: 'lower',
    exclusiveMaximum: 'upper',
    exclusiveMinimum: 'lower',
    multipleOf: 'multiple',
  },
  object: { maxProperties: 'upper', minProperties: 'lower' },
  array: { maxItems: 'upper', minItems: 'lower', maxContains: 'upper', minContains: 'lower', uniqueItems: 'flag' },
} as const

/** Compares the keywords of a type that have no schemas. */
export function comparedKeywords(
  from: JsonObject,
  to: JsonObject,
  type: keyof typeof limits,
): readonly JsonSchemaDifference[] {
  return Object.entries(limits[type]).flatMap(([keyword, rule]) => {
    const change = changeOf(from.get(keyword), to.get(keyword), rule)
    const name = keyword.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
    return change === null ? [] : [{ type: `${name}_${change}`, path: [keyword] }]
  })
}

function changeOf(from: JsonNode | undefined, to: JsonNode | undefined, rule: string): string | null {
  if (rule === 'flag') return to === true && from !== true ? 'ADDED' : null
  if (rule === 'pattern') {
    if (typeof to !== 'string') return null
    if (typeof from !== 'string') return 'ADDED'
    return from === to ? null : 'CHANGED'
  }
  if (!(to instanceof JsonNumber)) return null
  if (!(from instanceof JsonNumber)) return 'ADDED'
  const [before, after] = [Number(from.text), Number(to.text)]
  if (before === after) return null
  if (rule === 'multiple') return multipleChange(before, after)
  if (rule === 'upper') return after < before ? 'DECREASED' : null
  return after > before ? 'INCREASED' : null
}

function multipleChange(before: number, after: number): string | null {
  if (isMultiple(before, after)) return null
  return isMultiple(after, before) ? 'EXPANDED' : 'CHANGED'
}

/** Of decimals: a quotient of doubles is off by little. */
function isMultiple(number: number, of: number): boolean {
  const quotient = number / of
  return of !== 0 && Math.abs(quotient - Math.round(quotient)) < 1e-9
}

/** The schemas of an object's fields, such as `properties`. */
export function schemasOf(node: JsonNode | undefined): JsonObject {
  return isObject(node) ? node : new Map()
}

export function textsOf(node: JsonNode | undefined): ReadonlySet<string> {
  return new Set(isArray(node) ? node.filter((item) => typeof item === 'string') : [])
}

export function isSubset(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  return [...part].every((item) => whole.has(item))
}
