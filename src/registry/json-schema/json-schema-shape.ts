import { isArray, isObject, jsonText, sorted, textOf, type JsonNode, type JsonObject } from '../json/json-node.ts'

/** How the parts of a combined schema count. */
export type Criterion = 'allOf' | 'anyOf' | 'oneOf'

/** What a schema of one type asks for; its schemas belong to the document. */
export interface TypedShape {
  readonly keywords: JsonObject
  readonly document: JsonSchemaDocument
}

/** What a schema accepts, as far as schemas are compared. */
export type JsonSchemaShape =
  | { readonly kind: 'any' | 'nothing' | 'null' | 'boolean' | 'conditional' }
  | (TypedShape & { readonly kind: 'string' | 'object' | 'array' })
  | (TypedShape & { readonly kind: 'number'; readonly isInteger: boolean })
  | { readonly kind: 'enum' | 'const'; readonly values: ReadonlySet<string> }
  | { readonly kind: 'not'; readonly of: JsonSchemaPart }
  | { readonly kind: 'combined'; readonly criterion: Criterion; readonly parts: readonly JsonSchemaPart[] }

/** A schema, or what one of its keywords asks for. Comparisons know it by its object. */
export interface JsonSchemaPart {
  readonly shape: JsonSchemaShape
  /** The same for parts that ask for the same. */
  readonly text: string
  /** The schema it is part of; null for true and false. */
  readonly keywords: JsonObject | null
}

interface Target {
  readonly document: JsonSchemaDocument
  readonly node: JsonNode
}

/** A schema that cannot be compared: a reference leads nowhere, or it is too large. */
export class JsonSchemaError extends Error {
  override readonly name = 'JsonSchemaError'
}

const criteria = ['allOf', 'anyOf', 'oneOf'] as const
/** The keywords of each type: a schema without `type` that has one is of that type. */
const keywordsOf = {
  string: ['minLength', 'maxLength', 'pattern', 'format'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  array: [
    'items',
    'prefixItems',
    'additionalItems',
    'unevaluatedItems',
    'minItems',
    'maxItems',
    'uniqueItems',
    'contains',
    'minContains',
    'maxContains',
  ],
  object: [
    'properties',
    'required',
    'minProperties',
    'maxProperties',
    'dependencies',
    'dependentRequired',
    'dependentSchemas',
    'additionalProperties',
    'unevaluatedProperties',
    'patternProperties',
    'propertyNames',
  ],
} as const
const validating: ReadonlySet<string> = new Set([
  ...Object.values(keywordsOf).flat(),
  ...criteria,
  'type',
  'not',
  'enum',
  'const',
  'if',
])
const maxReferences = 100

/** A JSON Schema with the schemas that it refers to. */
export class JsonSchemaDocument {
  readonly root: JsonSchemaPart
  readonly #root: JsonNode
  readonly #others: ReadonlyMap<string, JsonSchemaDocument>
  readonly #parts = new Map<JsonNode, JsonSchemaPart>()

  /** @param others the schemas of references, by their names */
  constructor(root: JsonNode, others: ReadonlyMap<string, JsonSchemaDocument>) {
    this.#root = root
    this.#others = others
    this.root = this.part(root)
  }

  /** The part that is the schema of this node. */
  part(node: JsonNode): JsonSchemaPart {
    const known = isObject(node) ? this.#parts.get(node) : undefined
    if (known !== undefined) return known
    const part = new SchemaPart(this, node)
    if (isObject(node)) this.#parts.set(node, part)
    return part
  }

  /** @throws JsonSchemaError */
  shapeOf(node: JsonNode): JsonSchemaShape {
    return shapeOf(this, node, 0)
  }

  /** The schema that a reference leads to, and its document. @throws JsonSchemaError */
  resolve(reference: string): Target {
    const [base = '', fragment = ''] = reference.split('#', 2)
    const own = isObject(this.#root)
      ? (textOf(this.#root, '$id') ?? textOf(this.#root, 'id') ?? '').replace(/#$/, '')
      : ''
    const names = [base, absolute(base, own)]
    if (base === '' || names.includes(own)) return this.#at(fragment, reference)
    const other = names.map((name) => this.#others.get(name)).find((document) => document !== undefined)
    if (other === undefined) throw new JsonSchemaError(`the reference "${reference}" leads to no schema`)
    return other.#at(fragment, reference)
  }

  #at(fragment: string, reference: string): Target {
    if (fragment === '') return { document: this, node: this.#root }
    const node = fragment.startsWith('/') ? pointed(this.#root, fragment) : anchored(this.#root, fragment)
    if (node === undefined) throw new JsonSchemaError(`the reference "${reference}" leads to no schema`)
    return { document: this, node }
  }
}

function absolute(reference: string, base: string): string {
  return URL.canParse(reference, base) ? new URL(reference, base).href : reference
}

function pointed(root: JsonNode, pointer: string): JsonNode | undefined {
  let node: JsonNode | undefined = root
  for (const step of pointer.split('/').slice(1)) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    if (isObject(node)) node = node.get(name)
    else node = isArray(node) ? node[Number(name)] : undefined
  }
  return node
}

function anchored(node: JsonNode, anchor: string): JsonNode | undefined {
  if (isObject(node) && (textOf(node, '$anchor') === anchor || textOf(node, '$id') === `#${anchor}`)) return node
  const below: readonly JsonNode[] = isObject(node) ? [...node.values()] : isArray(node) ? node : []
  for (const child of below) {
    const found = anchored(child, anchor)
    if (found !== undefined) return found
  }
  return undefined
}

class SchemaPart implements JsonSchemaPart {
  readonly #document: JsonSchemaDocument
  readonly #node: JsonNode
  #shape: JsonSchemaShape | null = null
  #text: string | null = null

  constructor(document: JsonSchemaDocument, node: JsonNode) {
    this.#document = document
    this.#node = node
  }

  get keywords(): JsonObject | null {
    return isObject(this.#node) ? this.#node : null
  }

  get text(): string {
    this.#text ??= jsonText(sorted(this.#node))
    return this.#text
  }

  get shape(): JsonSchemaShape {
    this.#shape ??= this.#document.shapeOf(this.#node)
    return this.#shape
  }
}

function shapeOf(document: JsonSchemaDocument, node: JsonNode, references: number): JsonSchemaShape {
  if (!isObject(node)) return { kind: node === false ? 'nothing' : 'any' }
  const reference = textOf(node, '$ref')
  if (reference !== null && ![...node.keys()].some((key) => validating.has(key))) {
    if (references > maxReferences) throw new JsonSchemaError(`the reference "${reference}" leads to itself`)
    const target = document.resolve(reference)
    return shapeOf(target.document, target.node, references + 1)
  }
  const shapes = [...combined(document, node), ...values(node), ...typed(document, node)]
  const [first, ...others] = shapes
  if (first === undefined) return { kind: 'any' }
  if (others.length === 0 && reference === null) return first
  const parts = shapes.map((shape) => virtual(node, shape))
  const target = reference === null ? null : document.resolve(reference)
  const referred = target === null ? [] : [target.document.part(target.node)]
  return { kind: 'combined', criterion: 'allOf', parts: [...referred, ...parts] }
}

/** A part that is one of several things which a schema asks for. */
function virtual(keywords: JsonObject, shape: JsonSchemaShape): JsonSchemaPart {
  const what = shape.kind === 'combined' ? shape.criterion : shape.kind
  return { keywords, shape, text: `${what} ${jsonText(sorted(keywords))}` }
}

function combined(document: JsonSchemaDocument, node: JsonObject): readonly JsonSchemaShape[] {
  const shapes: JsonSchemaShape[] = criteria.flatMap((criterion) => {
    const list = node.get(criterion)
    if (!isArray(list)) return []
    return [{ kind: 'combined' as const, criterion, parts: list.map((item) => document.part(item)) }]
  })
  const negated = node.get('not')
  if (negated !== undefined) shapes.push({ kind: 'not', of: document.part(negated) })
  if (node.has('if')) shapes.push({ kind: 'conditional' })
  return shapes
}

function values(node: JsonObject): readonly JsonSchemaShape[] {
  const [listed, constant] = [node.get('enum'), node.get('const')]
  const shapes: JsonSchemaShape[] = []
  if (constant !== undefined) shapes.push({ kind: 'const', values: new Set([jsonText(sorted(constant))]) })
  if (isArray(listed)) shapes.push({ kind: 'enum', values: new Set(listed.map((value) => jsonText(sorted(value)))) })
  return shapes
}

function typed(document: JsonSchemaDocument, node: JsonObject): readonly JsonSchemaShape[] {
  const type = node.get('type')
  if (typeof type === 'string') return [shapeOfType(type, node, document)]
  if (isArray(type)) {
    const parts = type.map((one) => virtual(node, shapeOfType(String(one), node, document)))
    return [{ kind: 'combined', criterion: 'anyOf', parts }]
  }
  return (['string', 'array', 'object', 'number'] as const)
    .filter((name) => keywordsOf[name].some((keyword) => node.has(keyword)))
    .map((name) => shapeOfType(name, node, document))
}

function shapeOfType(type: string, keywords: JsonObject, document: JsonSchemaDocument): JsonSchemaShape {
  switch (type) {
    case 'string':
    case 'object':
    case 'array':
      return { kind: type, keywords, document }
    case 'number':
    case 'integer':
      return { kind: 'number', keywords, document, isInteger: type === 'integer' }
    case 'null':
    case 'boolean':
      return { kind: type }
    default:
      return { kind: 'any' }
  }
}
