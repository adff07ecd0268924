import { comparedCombined } from './combined-schemas.ts'
import { comparedArrays, comparedObjects } from './content-models.ts'
import { comparedKeywords, isSubset, type Compare } from './keyword-changes.ts'
import type { JsonSchemaDifference } from './json-schema-difference.ts'
import { JsonSchemaError, type JsonSchemaPart, type JsonSchemaShape } from './json-schema-shape.ts'

/** Of each pair (I10): schemas that contain one another have one on every path. */
const maxDifferences = 50
/** Of one comparison: it runs in the thread that serves requests. Each of many alternatives is compared with each. */
const maxCompares = 100_000
const maxDepth = 500

type Pairs<T> = Map<JsonSchemaPart, Map<JsonSchemaPart, T>>

/**
 * Returns the differences for which data of the original may not be valid by the update; empty when all of it is. The rules are
 * those of Confluent's registry (its policy STRICT).
 */
export function jsonSchemaDifferences(
  original: JsonSchemaPart,
  update: JsonSchemaPart,
): readonly JsonSchemaDifference[] {
  // A schema that contains itself counts as compatible while it is compared. If it turns out not to be, what relied on that is
  // compared again, with the pairs that are known to be incompatible: there are more of them in each round.
  let incompatible: Pairs<readonly JsonSchemaDifference[]> = new Map()
  for (;;) {
    const comparison = new JsonSchemaComparison(incompatible)
    const differences = comparison.compare(original, update)
    const found = comparison.incompatible
    if (!comparison.hasAssumed || count(found) === count(incompatible)) return differences
    incompatible = found
  }
}

function count(pairs: Pairs<unknown>): number {
  return [...pairs.values()].reduce((sum, { size }) => sum + size, 0)
}

class JsonSchemaComparison {
  /** Whether a pair counted as compatible because it was being compared. */
  hasAssumed = false
  readonly #seed: Pairs<readonly JsonSchemaDifference[]>
  #compares = 0
  #depth = 0
  readonly #done: Pairs<readonly JsonSchemaDifference[] | null> = new Map()

  constructor(seed: Pairs<readonly JsonSchemaDifference[]>) {
    this.#seed = seed
  }

  get incompatible(): Pairs<readonly JsonSchemaDifference[]> {
    const pairs: Pairs<readonly JsonSchemaDifference[]> = new Map()
    for (const [original, updates] of this.#done)
      for (const [update, differences] of updates)
        if (differences !== null && differences.length > 0) entry(pairs, original).set(update, differences)
    return pairs
  }

  compare(original: JsonSchemaPart, update: JsonSchemaPart): readonly JsonSchemaDifference[] {
    const results = entry(this.#done, original)
    const known = results.get(update)
    if (known !== undefined && known !== null) return known
    if (known === null) {
      const seeded = this.#seed.get(original)?.get(update)
      if (seeded === undefined) this.hasAssumed = true
      return seeded ?? []
    }
    results.set(update, null)
    this.#compares += 1
    if (this.#compares > maxCompares) throw new JsonSchemaError(`they need more than ${maxCompares} comparisons`)
    this.#depth += 1
    if (this.#depth > maxDepth) throw new JsonSchemaError(`they are nested more than ${maxDepth} deep`)
    const differences = this.#compared(original, update).slice(0, maxDifferences)
    this.#depth -= 1
    results.set(update, differences)
    return differences
  }

  #compared(original: JsonSchemaPart, update: JsonSchemaPart): readonly JsonSchemaDifference[] {
    const [from, to] = [original.shape, update.shape]
    if (this.#isCovered(original, update)) return []
    if (from.kind !== to.kind) {
      if (from.kind === 'nothing' || to.kind === 'any' || (isBytes(original) && isBytes(update))) return []
      return [{ type: 'TYPE_CHANGED', path: [] }]
    }
    const compare: Compare = (one, other) => this.compare(one, other)
    if (from.kind === 'combined' && to.kind === 'combined') return comparedCombined(from, to, compare)
    if (from.kind === 'not' && to.kind === 'not')
      return compare(to.of, from.of).length === 0 ? [] : [{ type: 'NOT_TYPE_EXTENDED', path: ['not'] }]
    if ('values' in from && 'values' in to) return comparedValues(from, to)
    if (!('keywords' in from) || !('keywords' in to)) return []
    if (from.kind === 'string') return comparedKeywords(from.keywords, to.keywords, 'string')
    if (from.kind === 'number' && to.kind === 'number') {
      const narrowed = to.isInteger && !from.isInteger ? [{ type: 'TYPE_NARROWED', path: [] }] : []
      return [...comparedKeywords(from.keywords, to.keywords, 'number'), ...narrowed]
    }
    return from.kind === 'object' ? comparedObjects(from, to, compare) : comparedArrays(from, to, compare)
  }

  /** Whether one part of a combined schema decides: data of the original is valid by a part of the update, or by one that it asks for. */
  #isCovered(original: JsonSchemaPart, update: JsonSchemaPart): boolean {
    const [from, to] = [original.shape, update.shape]
    if (from.kind !== 'combined' && to.kind === 'combined') {
      const decides = to.parts.length === 1 || to.criterion !== 'allOf'
      return decides && to.parts.some((part) => this.compare(original, part).length === 0)
    }
    if (from.kind === 'combined' && to.kind !== 'combined') {
      const decides = from.parts.length === 1 || from.criterion === 'allOf'
      return decides && from.parts.some((part) => this.compare(part, update).length === 0)
    }
    return false
  }
}

function entry<T>(pairs: Pairs<T>, original: JsonSchemaPart): Map<JsonSchemaPart, T> {
  const known = pairs.get(original)
  if (known !== undefined) return known
  const made = new Map<JsonSchemaPart, T>()
  pairs.set(original, made)
  return made
}

/** Two encodings of bytes by Connect's converter, which reads both. */
function isBytes({ keywords }: JsonSchemaPart): boolean {
  return keywords?.get('connect.type') === 'bytes'
}

function comparedValues(
  from: Extract<JsonSchemaShape, { readonly values: unknown }>,
  to: Extract<JsonSchemaShape, { readonly values: unknown }>,
): readonly JsonSchemaDifference[] {
  if (isSubset(from.values, to.values)) return []
  const type = from.kind === 'enum' && isSubset(to.values, from.values) ? 'ENUM_ARRAY_NARROWED' : 'ENUM_ARRAY_CHANGED'
  return [{ type, path: [from.kind] }]
}
