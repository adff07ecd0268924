import { isArray, isObject, type JsonNode, type JsonObject } from '../json/json-node.ts'
import { comparedKeywords, isSubset, schemasOf, textsOf, type Compare } from './keyword-changes.ts'
import type { JsonSchemaDifference } from './json-schema-difference.ts'
import type { JsonSchemaDocument, JsonSchemaPart, TypedShape } from './json-schema-shape.ts'

/** An object or array schema. */
type Side = TypedShape

type Differences = readonly JsonSchemaDifference[]

/** What a schema says of properties or items that it does not list. */
interface Rest {
  /** Whether it accepts them all. */
  readonly isOpen: boolean
  /** What it asks of the one with this name; null: it refuses it, or accepts whatever it is. */
  readonly schemaOf: (name: string) => JsonSchemaPart | null
}

export function comparedObjects(original: Side, update: Side, compare: Compare): Differences {
  const [from, to] = [original.keywords, update.keywords]
  return [
    ...at('required', comparedRequired(from, to)),
    ...at('properties', comparedProperties(original, update, compare)),
    ...at('dependencies', comparedDependencies(original, update, compare)),
    ...comparedRest(original, update, { keyword: 'additionalProperties', name: 'ADDITIONAL_PROPERTIES', compare }),
    ...comparedUnevaluated(original, update, {
      keyword: 'unevaluatedProperties',
      name: 'UNEVALUATED_PROPERTIES',
      compare,
    }),
    ...comparedKeywords(from, to, 'object'),
  ]
}

export function comparedArrays(original: Side, update: Side, compare: Compare): Differences {
  return [
    ...at('items', comparedOptional(allItemsOf(original), allItemsOf(update), compare)),
    ...comparedItems(original, update, compare),
    ...comparedRest(original, update, { keyword: 'additionalItems', name: 'ADDITIONAL_ITEMS', compare }),
    ...comparedUnevaluated(original, update, { keyword: 'unevaluatedItems', name: 'UNEVALUATED_ITEMS', compare }),
    ...comparedKeywords(original.keywords, update.keywords, 'array'),
  ]
}

function at(step: string, differences: Differences): Differences {
  return differences.map(({ type, path }) => ({ type, path: [step, ...path] }))
}

function one(type: string): Differences {
  return [{ type, path: [] }]
}

function comparedOptional(from: JsonSchemaPart | null, to: JsonSchemaPart | null, compare: Compare): Differences {
  if (to === null) return []
  return from === null ? one('SCHEMA_ADDED') : compare(from, to)
}

function comparedRequired(from: JsonObject, to: JsonObject): Differences {
  const [before, after] = [textsOf(from.get('required')), textsOf(to.get('required'))]
  const properties = schemasOf(to.get('properties'))
  return [...schemasOf(from.get('properties')).keys()].flatMap((name) => {
    const property = properties.get(name)
    if (property === undefined || before.has(name) || !after.has(name) || hasDefault(property)) return []
    return [{ type: 'REQUIRED_ATTRIBUTE_ADDED', path: [name] }]
  })
}

function hasDefault(node: JsonNode): boolean {
  return isObject(node) && node.has('default')
}

function comparedProperties(original: Side, update: Side, compare: Compare): Differences {
  const [from, to] = [schemasOf(original.keywords.get('properties')), schemasOf(update.keywords.get('properties'))]
  const [restFrom, restTo] = [restOfObject(original), restOfObject(update)]
  const required = textsOf(update.keywords.get('required'))
  return [...new Set([...from.keys(), ...to.keys()])].flatMap((name) => {
    const [before, after] = [from.get(name), to.get(name)]
    if (before === undefined) {
      if (after === undefined) return []
      const added = { part: update.document.part(after), isRequired: required.has(name), hasDefault: hasDefault(after) }
      return at(name, addedProperty(name, added, restFrom, compare))
    }
    const part = original.document.part(before)
    if (after === undefined) return at(name, removed('PROPERTY', part, { rest: restTo, name }, compare))
    return at(name, compare(part, update.document.part(after)))
  })
}

function addedProperty(
  name: string,
  added: { readonly part: JsonSchemaPart; readonly isRequired: boolean; readonly hasDefault: boolean },
  rest: Rest,
  compare: Compare,
): Differences {
  const { part, isRequired } = added
  if (rest.isOpen) {
    if (isAny(part)) return []
    const kind = isRequired ? `REQUIRED_PROPERTY${added.hasDefault ? '_WITH_DEFAULT' : ''}` : 'OPTIONAL_PROPERTY'
    return one(`${kind}_ADDED_TO_OPEN_CONTENT_MODEL`)
  }
  const missing = isRequired && !added.hasDefault ? one('REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL') : []
  return [...covered('PROPERTY_ADDED', rest.schemaOf(name), (schema) => compare(schema, part)), ...missing]
}

/** A property or item that only the original lists. */
function removed(
  kind: 'PROPERTY' | 'ITEM',
  part: JsonSchemaPart,
  { rest, name }: { readonly rest: Rest; readonly name: string },
  compare: Compare,
): Differences {
  if (rest.isOpen) return []
  const schema = rest.schemaOf(name)
  if (schema !== null) return covered(`${kind}_REMOVED`, schema, (other) => compare(part, other))
  return part.shape.kind === 'nothing' ? [] : one(`${kind}_REMOVED_FROM_CLOSED_CONTENT_MODEL`)
}

function covered(
  kind: string,
  schema: JsonSchemaPart | null,
  compared: (schema: JsonSchemaPart) => Differences,
): Differences {
  const differences = schema === null ? [] : compared(schema)
  return differences.length === 0 ? [] : [...differences, ...one(`${kind}_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL`)]
}

function isAny(part: JsonSchemaPart): boolean {
  return part.shape.kind === 'any' && part.keywords?.has('$ref') !== true
}

function restOfObject({ keywords, document }: Side): Rest {
  const additional = keywords.get('additionalProperties')
  const patterns = [...schemasOf(keywords.get('patternProperties'))]
  const unevaluated = keywords.get('unevaluatedProperties')
  const rest = restOf(additional, unevaluated, document)
  return {
    isOpen: rest.isOpen && patterns.length === 0,
    schemaOf: (name) => {
      const [, matching] = patterns.find(([pattern]) => matches(pattern, name)) ?? []
      return matching === undefined ? rest.schemaOf(name) : document.part(matching)
    },
  }
}

function matches(pattern: string, name: string): boolean {
  try {
    return new RegExp(pattern, 'u').test(name)
  } catch {
    // A pattern that only other engines know covers nothing: the comparison errs on the side of incompatible.
    return false
  }
}

function restOf(
  additional: JsonNode | undefined,
  unevaluated: JsonNode | undefined,
  document: JsonSchemaDocument,
): Rest {
  if (additional === false) return { isOpen: false, schemaOf: () => null }
  if (isObject(additional)) return { isOpen: false, schemaOf: () => document.part(additional) }
  const part = unevaluated === undefined ? null : document.part(unevaluated)
  const kind = part?.shape.kind ?? 'any'
  return { isOpen: kind === 'any', schemaOf: () => (kind === 'any' || kind === 'nothing' ? null : part) }
}

function comparedDependencies(original: Side, update: Side, compare: Compare): Differences {
  const [from, to] = [dependenciesOf(original.keywords), dependenciesOf(update.keywords)]
  return [...to].flatMap(([name, after]) => {
    const before = from.get(name)
    if (isArray(after)) return at(name, comparedNames(isArray(before) ? before : undefined, after))
    if (before === undefined || isArray(before)) return at(name, one('DEPENDENCY_SCHEMA_ADDED'))
    return at(name, compare(original.document.part(before), update.document.part(after)))
  })
}

function dependenciesOf(keywords: JsonObject): JsonObject {
  return new Map([
    ...schemasOf(keywords.get('dependencies')),
    ...schemasOf(keywords.get('dependentRequired')),
    ...schemasOf(keywords.get('dependentSchemas')),
  ])
}

function comparedNames(before: JsonNode | undefined, after: JsonNode): Differences {
  if (before === undefined) return one('DEPENDENCY_ARRAY_ADDED')
  const [from, to] = [textsOf(before), textsOf(after)]
  if (isSubset(to, from)) return []
  return one(isSubset(from, to) ? 'DEPENDENCY_ARRAY_EXTENDED' : 'DEPENDENCY_ARRAY_CHANGED')
}

interface RestKeyword {
  readonly keyword: string
  readonly name: string
  readonly compare: Compare
}

function comparedRest(original: Side, update: Side, { keyword, name, compare }: RestKeyword): Differences {
  const [from, to] = [additionalOf(original, keyword), additionalOf(update, keyword)]
  if (to === undefined || to === true) return []
  if (to === false) return from === false ? [] : at(keyword, one(`${name}_REMOVED`))
  if (from === false) return []
  if (from === undefined || from === true) return at(keyword, one(`${name}_NARROWED`))
  return at(keyword, compare(original.document.part(from), update.document.part(to)))
}

function comparedUnevaluated(original: Side, update: Side, { keyword, name, compare }: RestKeyword): Differences {
  const [from, to] = [original.keywords.get(keyword), update.keywords.get(keyword)]
  if (to === undefined) return []
  const [before, after] = [from === undefined ? null : original.document.part(from), update.document.part(to)]
  const [wasKind, kind] = [before?.shape.kind ?? 'absent', after.shape.kind]
  if (kind === 'nothing') return wasKind === 'nothing' ? [] : at(keyword, one(`${name}_REMOVED`))
  if (wasKind === 'nothing' || (kind === 'any' && wasKind !== 'absent')) return []
  if (before === null || wasKind === 'any') return at(keyword, one(`${name}_NARROWED`))
  return at(keyword, compare(before, after))
}

/** The schemas of the first items: `prefixItems`, or a list as `items`. */
function firstItemsOf({ keywords, document }: Side): readonly JsonSchemaPart[] {
  const listed = [keywords.get('prefixItems'), keywords.get('items')].find(isArray)
  return (listed ?? []).map((item) => document.part(item))
}

function allItemsOf({ keywords, document }: Side): JsonSchemaPart | null {
  const items = keywords.get('items')
  return items === undefined || isArray(items) || keywords.has('prefixItems') ? null : document.part(items)
}

/** Beside `prefixItems`, `items` is what `additionalItems` was before. */
function additionalOf({ keywords }: Side, keyword: string): JsonNode | undefined {
  return keyword === 'additionalItems' && keywords.has('prefixItems') ? keywords.get('items') : keywords.get(keyword)
}

function comparedItems(original: Side, update: Side, compare: Compare): Differences {
  const [from, to] = [firstItemsOf(original), firstItemsOf(update)]
  const restOfArray = (side: Side): Rest =>
    restOf(additionalOf(side, 'additionalItems'), side.keywords.get('unevaluatedItems'), side.document)
  const [restFrom, restTo] = [restOfArray(original), restOfArray(update)]
  return Array.from({ length: Math.max(from.length, to.length) }, (_none, index) => {
    const [before, after, name] = [from[index], to[index], String(index)]
    const differences = ((): Differences => {
      if (before !== undefined && after !== undefined) return compare(before, after)
      if (before !== undefined) return removed('ITEM', before, { rest: restTo, name }, compare)
      if (after === undefined) return []
      if (restFrom.isOpen) return isAny(after) ? [] : one('ITEM_ADDED_TO_OPEN_CONTENT_MODEL')
      return covered('ITEM_ADDED', restFrom.schemaOf(name), (schema) => compare(schema, after))
    })()
    return at(`items/${index}`, differences)
  }).flat()
}
