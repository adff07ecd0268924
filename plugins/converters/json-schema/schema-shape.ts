import { DataError, isJsonObject, type JsonObject, type JsonValue } from 'penstock/api'

import type { SchemaNode } from './schema-documents.ts'

type SimpleType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object'

/** What a JSON Schema says of its values. */
export type Shape =
  | { readonly kind: 'anything' }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'reference'; readonly to: string }
  | { readonly kind: 'enum'; readonly values: readonly JsonValue[]; readonly isConst: boolean }
  | { readonly kind: 'combined'; readonly criterion: 'one' | 'any' | 'all'; readonly branches: readonly Piece[] }
  | { readonly kind: 'typed'; readonly type: SimpleType }

/** A schema with its shape. Where one has several keywords that are schemas of their own, each is a piece without attributes. */
export interface Piece {
  readonly node: SchemaNode
  readonly shape: Shape
  /** Title, description, default and what converters have added. */
  readonly attributes: JsonObject
}

const simpleTypes: ReadonlySet<string> = new Set(['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'])
const criteria = [
  ['oneOf', 'one'],
  ['anyOf', 'any'],
  ['allOf', 'all'],
] as const
/** Keywords that say of a schema without `type` which one it has. */
const impliedTypes: readonly (readonly [SimpleType, readonly string[]])[] = [
  [
    'object',
    [
      'properties',
      'required',
      'additionalProperties',
      'patternProperties',
      'minProperties',
      'maxProperties',
      'propertyNames',
    ],
  ],
  ['array', ['items', 'additionalItems', 'minItems', 'maxItems', 'uniqueItems', 'contains']],
  ['string', ['minLength', 'maxLength', 'pattern', 'format']],
  ['number', ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf']],
]
const noAttributes: JsonObject = {}

/** Returns the shape of a schema, as the parser of Confluent's clients sees it. @throws DataError if it is invalid */
export function pieceOf(node: SchemaNode): Piece {
  const { json } = node
  if (typeof json === 'boolean')
    return { node, shape: { kind: json ? 'anything' : 'nothing' }, attributes: noAttributes }
  const shapes = shapesOf(node, json)
  const [shape = { kind: 'anything' }] = shapes
  if (shapes.length <= 1) return { node, shape, attributes: json }
  const branches = shapes.map((each): Piece => ({ node, shape: each, attributes: noAttributes }))
  return { node, shape: { kind: 'combined', criterion: 'all', branches: combinedFirst(branches) }, attributes: json }
}

function shapesOf(node: SchemaNode, json: JsonObject): readonly Shape[] {
  const { $ref: reference, enum: values, const: value, type } = json
  if (typeof reference === 'string') return [{ kind: 'reference', to: reference }]
  const shapes: Shape[] = []
  if (Array.isArray(values)) shapes.push({ kind: 'enum', values: values as readonly JsonValue[], isConst: false })
  for (const [keyword, criterion] of criteria) {
    const listed = json[keyword]
    if (!Array.isArray(listed)) continue
    const branches = (listed as readonly JsonValue[]).map((item) => pieceOf(childOf(node, item, keyword)))
    shapes.push({ kind: 'combined', criterion, branches: combinedFirst(branches) })
  }
  if (value !== undefined) shapes.push({ kind: 'enum', values: [value], isConst: true })
  if (type !== undefined) shapes.push(typedShape(node, type))
  else {
    const implied = impliedTypes.find(([, keywords]) => keywords.some((keyword) => Object.hasOwn(json, keyword)))
    if (implied !== undefined) shapes.push({ kind: 'typed', type: implied[0] })
  }
  return shapes
}

function typedShape(node: SchemaNode, type: JsonValue): Shape {
  if (Array.isArray(type)) {
    const branches = (type as readonly JsonValue[]).map((each): Piece => ({
      node,
      shape: typedShape(node, each),
      attributes: noAttributes,
    }))
    return { kind: 'combined', criterion: 'any', branches }
  }
  if (typeof type !== 'string' || !simpleTypes.has(type))
    throw new DataError('the JSON Schema is invalid: "type" is none of its types', { code: 'JSON_SCHEMA_INVALID' })
  return { kind: 'typed', type: type as SimpleType }
}

/** The parser of Confluent's clients has this order, by which the fields of unions are numbered. */
function combinedFirst(pieces: readonly Piece[]): readonly Piece[] {
  const isCombined = ({ shape }: Piece): boolean => shape.kind === 'combined'
  return [...pieces.filter(isCombined), ...pieces.filter((piece) => !isCombined(piece))]
}

/** Returns a schema that is a part of another one. @throws DataError if it is none */
export function childOf({ document }: SchemaNode, json: JsonValue | undefined, keyword: string): SchemaNode {
  if (typeof json === 'boolean' || isJsonObject(json)) return { json, document }
  throw new DataError(`the JSON Schema is invalid: "${keyword}" contains neither an object nor true or false`, {
    code: 'JSON_SCHEMA_INVALID',
  })
}

/** Returns the properties of an object's schema. */
export function propertiesOf(node: SchemaNode): readonly (readonly [name: string, schema: SchemaNode])[] {
  const listed = typeof node.json === 'boolean' ? undefined : node.json['properties']
  if (!isJsonObject(listed)) return []
  return Object.entries(listed).map(([name, json]) => [name, childOf(node, json, 'properties')] as const)
}

/** Returns the names of properties that an object must have. */
export function requiredOf({ json }: SchemaNode): ReadonlySet<string> {
  const listed = typeof json === 'boolean' ? undefined : json['required']
  return new Set(
    Array.isArray(listed) ? (listed as readonly JsonValue[]).filter((name) => typeof name === 'string') : [],
  )
}
