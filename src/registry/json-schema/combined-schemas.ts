import type { Compare } from './keyword-changes.ts'
import type { JsonSchemaDifference } from './json-schema-difference.ts'
import type { JsonSchemaPart, JsonSchemaShape } from './json-schema-shape.ts'

type Combined = Extract<JsonSchemaShape, { readonly kind: 'combined' }>

/** Compares `allOf`, `anyOf` and `oneOf`: each part of the smaller one needs a part of its own in the other one. */
export function comparedCombined(from: Combined, to: Combined, compare: Compare): readonly JsonSchemaDifference[] {
  if (!mayReplace(from, to)) return [{ type: 'COMBINED_TYPE_CHANGED', path: [] }]
  const [originals, updates] = [distinct(from.parts), distinct(to.parts)]
  const differences: JsonSchemaDifference[] = []
  if (originals.length < updates.length && to.criterion === 'allOf')
    differences.push({ type: 'PRODUCT_TYPE_EXTENDED', path: [] })
  if (originals.length > updates.length && from.criterion !== 'allOf')
    differences.push({ type: 'SUM_TYPE_NARROWED', path: [] })
  const compatible = originals.map((original) =>
    updates.flatMap((update, index) => (compare(original, update).length === 0 ? [index] : [])),
  )
  if (matched(compatible) < Math.min(originals.length, updates.length))
    differences.push({ type: 'COMBINED_TYPE_SUBSCHEMAS_CHANGED', path: [] })
  return differences
}

function mayReplace(from: Combined, to: Combined): boolean {
  const [wasOne, isOne] = [from.parts.length === 1, to.parts.length === 1]
  return (
    from.criterion === to.criterion ||
    to.criterion === 'anyOf' ||
    (wasOne && isOne) ||
    (wasOne && to.criterion === 'oneOf') ||
    (isOne && from.criterion === 'allOf')
  )
}

function distinct(parts: readonly JsonSchemaPart[]): readonly JsonSchemaPart[] {
  return [...new Map(parts.map((part) => [part.text, part])).values()]
}

/** The greatest number of pairs, each of a node and one of its candidates, in which none is used twice (Kuhn's algorithm). */
function matched(candidates: readonly (readonly number[])[]): number {
  const takenBy = new Map<number, number>()
  const place = (node: number, tried: Set<number>): boolean => {
    for (const candidate of candidates[node] ?? []) {
      if (tried.has(candidate)) continue
      tried.add(candidate)
      const holder = takenBy.get(candidate)
      if (holder !== undefined && !place(holder, tried)) continue
      takenBy.set(candidate, node)
      return true
    }
    return false
  }
  return candidates.filter((_candidates, node) => place(node, new Set())).length
}
