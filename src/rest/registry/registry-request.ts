import type { SchemaContent, SchemaMetadata, SchemaReference } from '../../registry/state/registry-schema.ts'
import type { RestRequest } from '../route.ts'

import { registryErrors } from '../../registry/registry-error.ts'
import { isValidSubject, normalSubject, parseSubject } from '../../registry/state/qualified-subject.ts'
import { asNumber, parseBody } from '../request/json-body.ts'
import { malformed, RestError } from '../rest-error.ts'
import { flag, param } from '../route.ts'

type Json = Readonly<Record<string, unknown>>

/** A schema in a request, with what an import gives it. */
export interface SubmittedSchema {
  readonly content: SchemaContent
  readonly id: number | null
  readonly version: number | null
}

const maxInt = 0x7fff_ffff
const fieldsOfSchema = ['schema', 'schemaType', 'references', 'metadata', 'ruleSet', 'id', 'version'] as const
/** Fields of Confluent's that change a schema on the way. */
const fieldsOfTags = ['schemaTagsToAdd', 'schemaTagsToRemove', 'propagateSchemaTags'] as const

/** A request to the registry. */
export class RegistryRequest {
  readonly #request: RestRequest

  constructor(request: RestRequest) {
    this.#request = request
  }

  /** The subject of the path, by its one name. */
  get subject(): string {
    return normalSubject(param(this.#request, 'subject'))
  }

  /** As {@link subject}. @throws RegistryError 42208 when no schema can be registered under it */
  get newSubject(): string {
    const given = param(this.#request, 'subject')
    if (!isValidSubject(given, 'schemas')) throw registryErrors.invalidSubject(given)
    return this.subject
  }

  /** The subject or context of the path, or everything (null) for the default context. @throws RegistryError 42208 */
  get scope(): string | null {
    const given = param(this.#request, 'subject')
    if (given !== '' && !isValidSubject(given, 'settings')) throw registryErrors.invalidSubject(given)
    return this.subject === '' ? null : this.subject
  }

  /** The version of the path; null: the last one. @throws RegistryError 42202 */
  get version(): number | null {
    const given = param(this.#request, 'version')
    const text = given.trim().toLowerCase()
    if (text === 'latest' || text === '-1') return null
    const number = /^\+?\d{1,10}$/.test(text) ? Number(text) : 0
    if (number < 1 || number > maxInt) throw registryErrors.invalidVersion(given)
    return number
  }

  /** The id of the path. @throws RestError 404 when it is no number, as no path has it */
  get id(): number {
    const text = param(this.#request, 'id')
    if (!/^\d{1,10}$/.test(text) || Number(text) > maxInt) throw registryErrors.schemaNotFound(text)
    return Number(text)
  }

  /** A parameter of the path. */
  part(name: string): string {
    return param(this.#request, name)
  }

  flag(name: string): boolean {
    return flag(this.#request, name)
  }

  /** A parameter of the query; empty when there is none. */
  text(name: string): string {
    return this.#request.query.get(name) ?? ''
  }

  texts(name: string): readonly string[] {
    return this.#request.query.getAll(name)
  }

  /** The subject of the query, by its one name; null when there is none. */
  get subjectOfQuery(): string | null {
    const given = this.#request.query.get('subject')
    return given === null || given === '' ? null : normalSubject(given)
  }

  /** The part of a list that `offset` and `limit` name; a negative limit is none. @throws RegistryError 422 */
  page<T>(items: readonly T[]): readonly T[] {
    const [offset, limit] = [this.#integer('offset', 0), this.#integer('limit', -1)]
    return items.slice(offset, limit < 0 ? undefined : offset + limit)
  }

  /** The body. @throws RestError 400, RegistryError 422 when it is not an object, or has other fields than these */
  body(fields: readonly string[]): Json {
    const body = this.#json()
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw registryErrors.unprocessable('The request body is not a JSON object')
    for (const field of Object.keys(body))
      if (!fields.includes(field))
        throw registryErrors.unprocessable(`Unrecognized field: ${field}. The known ones are: ${fields.join(', ')}`)
    return body as Json
  }

  /** The schema in the body. @throws RestError 400, RegistryError 422 or 42210 */
  schema(): SubmittedSchema {
    const body = this.body([...fieldsOfSchema, ...fieldsOfTags])
    for (const field of fieldsOfTags)
      if (!isNothing(body[field]))
        throw registryErrors.unprocessable(`"${field}" is not supported: this registry stores schemas as they are`)
    if (!isNothing(body['ruleSet'])) throw registryErrors.unsupportedRules()
    const { schema, schemaType } = body
    if (!isNothing(schema) && typeof schema !== 'string')
      throw registryErrors.unprocessable('"schema" is not a string: the schema is sent as text')
    if (!isNothing(schemaType) && typeof schemaType !== 'string')
      throw registryErrors.unprocessable('"schemaType" is not a string')
    const content = {
      schema: typeof schema === 'string' ? schema : '',
      schemaType: typeof schemaType === 'string' ? schemaType : 'AVRO',
      references: referencesOf(body['references']),
      metadata: metadataOf(body['metadata']),
      ruleSet: null,
    }
    return { content, id: numberOf(body['id'], 'id', 0), version: numberOf(body['version'], 'version', 1) }
  }

  #json(): unknown {
    try {
      return parseBody(this.#request.body, asNumber)
    } catch (error) {
      if (!(error instanceof RestError) || error.status !== malformed) throw error
      throw new RestError(400, error.message, { cause: error })
    }
  }

  #integer(name: string, otherwise: number): number {
    const text = this.#request.query.get(name)
    if (text === null) return otherwise
    if (!/^-?\d{1,9}$/.test(text)) throw registryErrors.unprocessable(`"${name}" is not an integer: ${text}`)
    return Math.max(Number(text), name === 'offset' ? 0 : -1)
  }
}

/** The context of a path, with or without delimiters. */
export function contextOfPath(text: string): string {
  if (text.startsWith(':')) return parseSubject(text).context
  return text.startsWith('.') ? text : `.${text}`
}

/** Whether a field has no value that means anything. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false) return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && Object.values(value).every(isNothing)
}

/** A number of the body; null when there is none, or one below `least`, which clients send in place of none. */
function numberOf(value: unknown, what: string, least: number): number | null {
  if (value === undefined || value === null) return null
  if (typeof value !== 'number' || !Number.isInteger(value) || value > maxInt)
    throw registryErrors.unprocessable(`"${what}" is not an integer`)
  return value < least ? null : value
}

function referencesOf(value: unknown): readonly SchemaReference[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw registryErrors.unprocessable('"references" is not a list')
  return value.map((item: unknown) => {
    const { name, subject, version } = (typeof item === 'object' && item !== null ? item : {}) as Json
    if (
      typeof name !== 'string' ||
      typeof subject !== 'string' ||
      typeof version !== 'number' ||
      !Number.isInteger(version)
    )
      throw registryErrors.invalidSchema('Invalid reference: it needs a name, a subject and a version')
    return { name, subject, version }
  })
}

function metadataOf(value: unknown): SchemaMetadata | null {
  if (value === undefined || value === null) return null
  const known = ['tags', 'properties', 'sensitive']
  const isObject = typeof value === 'object' && !Array.isArray(value)
  if (!isObject || Object.keys(value).some((key) => !known.includes(key)))
    throw registryErrors.unprocessable(`"metadata" is not an object with ${known.join(', ')}`)
  const { tags, properties, sensitive } = value as Json
  const isText = (item: unknown): boolean => typeof item === 'string'
  const areTexts = (item: unknown): boolean => Array.isArray(item) && item.every(isText)
  if (!isRecordOf(tags, areTexts) || !isRecordOf(properties, isText) || !(isNothing(sensitive) || areTexts(sensitive)))
    throw registryErrors.unprocessable(
      '"metadata" has lists of texts in "tags", texts in "properties" and in "sensitive"',
    )
  return value
}

function isRecordOf(value: unknown, accepts: (item: unknown) => boolean): boolean {
  if (value === undefined || value === null) return true
  return typeof value === 'object' && !Array.isArray(value) && Object.values(value).every(accepts)
}
