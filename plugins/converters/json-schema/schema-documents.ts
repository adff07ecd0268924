import {
  DataError,
  errorMessage,
  isJsonObject,
  parseJson,
  type JsonObject,
  type JsonValue,
  type SchemaText,
} from 'penstock/api'

/** A schema within a document. */
export interface SchemaNode {
  readonly json: JsonObject | boolean
  readonly document: SchemaDocument
}

/** A text of the registry. */
interface SchemaDocument {
  /** By which others refer to it; empty for the schema itself. */
  readonly name: string
  readonly root: JsonValue
  /** The schemas within it that have an `$id`. */
  readonly ids: ReadonlyMap<string, JsonObject>
}

/** Identifiers are URIs, which may be relative to this one. */
const base = 'registry://schemas/'

/** A JSON Schema with those that it refers to. */
export class SchemaDocuments {
  readonly root: SchemaNode
  /** What has a name or an `$id`, as it is written and as an absolute URI. */
  readonly #byUri = new Map<string, Target>()

  /** @throws DataError if one of the texts is no JSON Schema */
  constructor({ text, references }: SchemaText) {
    const [document, ...others] = [{ name: '', text }, ...references].map(documentOf) as [SchemaDocument]
    this.root = nodeOf(document, document.root, '#')
    for (const each of [document, ...others]) {
      if (each.name !== '') this.#add(each.name, { document: each, json: each.root })
      for (const [id, json] of each.ids) this.#add(id, { document: each, json })
    }
  }

  /** Returns the schema that a `$ref` means. @throws DataError if there is none */
  resolve({ document }: SchemaNode, reference: string): SchemaNode {
    const own = document.ids.get(reference)
    if (own !== undefined) return { json: own, document }
    const [uri = '', fragment = ''] = splitAt(reference, '#')
    const target = uri === '' ? { document, json: document.root } : this.#documentOf(document, uri, reference)
    if (fragment === '') return nodeOf(target.document, target.json, reference)
    if (fragment.startsWith('/')) return nodeOf(target.document, pointed(target.json, fragment, reference), reference)
    const named = target.document.ids.get(`#${fragment}`) ?? anchored(target.json, fragment)
    if (named === undefined) throw unknown(reference)
    return { json: named, document: target.document }
  }

  #add(uri: string, target: Target): void {
    for (const each of [uri, absolute(uri, base)]) if (!this.#byUri.has(each)) this.#byUri.set(each, target)
  }

  #documentOf(from: SchemaDocument, uri: string, reference: string): Target {
    const ownId = isJsonObject(from.root) && typeof from.root['$id'] === 'string' ? from.root['$id'] : from.name
    for (const wanted of [uri, absolute(uri, absolute(ownId, base)), absolute(uri, base)]) {
      const found = this.#byUri.get(wanted)
      if (found !== undefined) return found
    }
    throw unknown(reference)
  }
}

interface Target {
  readonly document: SchemaDocument
  readonly json: JsonValue
}

function documentOf({ name, text }: { readonly name: string; readonly text: string }): SchemaDocument {
  let root: JsonValue
  try {
    root = parseJson(text, true)
  } catch (error) {
    throw new DataError(`the JSON Schema is no JSON: ${errorMessage(error)}`, {
      cause: error,
      code: 'JSON_SCHEMA_INVALID',
    })
  }
  const ids = new Map<string, JsonObject>()
  collectIds(root, ids)
  return { name, root, ids }
}

function collectIds(json: JsonValue, ids: Map<string, JsonObject>): void {
  if (Array.isArray(json)) for (const item of json as readonly JsonValue[]) collectIds(item, ids)
  if (!isJsonObject(json)) return
  const id = json['$id'] ?? json['id']
  if (typeof id === 'string' && !ids.has(id)) ids.set(id, json)
  for (const item of Object.values(json)) collectIds(item, ids)
}

/** The schema with that `$anchor`, or with an `$id` that ends with it. */
function anchored(json: JsonValue, name: string): JsonObject | undefined {
  if (Array.isArray(json)) return firstOf(json as readonly JsonValue[], name)
  if (!isJsonObject(json)) return undefined
  const id = json['$id']
  if (json['$anchor'] === name || (typeof id === 'string' && id.endsWith(`#${name}`))) return json
  return firstOf(Object.values(json), name)
}

function firstOf(parts: readonly JsonValue[], name: string): JsonObject | undefined {
  for (const part of parts) {
    const found = anchored(part, name)
    if (found !== undefined) return found
  }
  return undefined
}

function pointed(json: JsonValue, pointer: string, reference: string): JsonValue {
  let at = json
  for (const part of pointer.slice(1).split('/')) {
    const key = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) throw unknown(reference)
    at = (at as JsonObject)[key] ?? null
  }
  return at
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function nodeOf(document: SchemaDocument, json: JsonValue, reference: string): SchemaNode {
  if (typeof json === 'boolean' || isJsonObject(json)) return { json, document }
  throw new DataError(`the JSON Schema is invalid: "${reference}" is neither an object nor true or false`, {
    code: 'JSON_SCHEMA_INVALID',
  })
}

function absolute(uri: string, from: string): string {
  return URL.parse(uri, from)?.href.replace(/#$/, '') ?? uri
}

function splitAt(text: string, mark: string): readonly string[] {
  const at = text.indexOf(mark)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}

function unknown(reference: string): DataError {
  return new DataError(
    `the JSON Schema refers to "${reference}", which is neither in it nor among its references in the registry`,
    { code: 'SCHEMA_REFERENCE_UNKNOWN' },
  )
}
