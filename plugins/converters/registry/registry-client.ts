import {
  ConnectError,
  DataError,
  isJsonObject,
  RetriableError,
  type Clock,
  type JsonObject,
  type JsonValue,
} from 'penstock/api'

import { RegistryHttp, type RegistryResponse } from './http/registry-http.ts'
import type { RegistrySettings } from './http/registry-settings.ts'
import { named, type SchemaRef } from './wire-format.ts'

/** The name that a schema uses for another one, and which version of which subject that is. */
interface SchemaReference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

/** A schema of the registry. */
export interface RegisteredSchema {
  /** `AVRO`, `JSON` or `PROTOBUF`. */
  readonly type: string
  readonly text: string
  /** What it refers to, directly or not, each after those that it refers to itself. */
  readonly references: readonly { readonly name: string; readonly text: string }[]
}

/** What names a schema in messages. */
export interface SchemaIdentity {
  readonly id: number
  /** In the form of a UUID; null from a registry that has none, as Confluent's before 8.0. */
  readonly guid: string | null
}

/** A version of a subject. */
type SchemaOfSubject = RegisteredSchema & { readonly identity: SchemaIdentity; readonly version: number }

/** A schema to register, or to look up. */
export interface SubmittedSchema {
  readonly type: string
  readonly text: string
  readonly normalize: boolean
}

/** A schema may refer to this many others at most: each of them is a request. */
const maxReferences = 1000
const noGuids = "The record has the GUID of its schema: this needs a registry that has GUIDs, as Confluent's since 8.0"

/**
 * Client of the REST API of Confluent's Schema Registry. It keeps nothing: see `LookUps`.
 * All methods throw RetriableError when the registry cannot be reached, or is not able to respond.
 */
export class RegistryClient {
  readonly #http: RegistryHttp

  constructor(settings: RegistrySettings, clock: Clock) {
    this.#http = new RegistryHttp(settings, clock)
  }

  /** @throws DataError if there is no schema with that id or GUID */
  async schemaOf(ref: SchemaRef, signal: AbortSignal): Promise<RegisteredSchema> {
    const response =
      typeof ref === 'number'
        ? await this.#http.send({ method: 'GET', path: `/schemas/ids/${ref}?fetchMaxId=false` }, signal)
        : await this.#http.send({ method: 'GET', path: `/schemas/guids/${ref}`, adviceIfAbsent: noGuids }, signal)
    if (response.errorCode !== 0)
      throw new DataError(
        `the schema registry at ${response.url} has no schema with the ${named(ref)} (${said(response)}).` +
          ' The record was written with another registry, or is not in its wire format',
        { code: 'SCHEMA_ID_UNKNOWN' },
      )
    const body = objectOf(response)
    return { type: typeOf(body), text: textIn(body, response), references: await this.#referred(body, signal) }
  }

  /**
   * Registers a schema, and returns its id and its GUID.
   * @param changesSince names what changed since an earlier schema of the subject; empty if it cannot
   * @throws DataError with the changes and the reasons if the schema is incompatible with those of the subject, or is invalid
   */
  async register(
    subject: string,
    schema: SubmittedSchema,
    signal: AbortSignal,
    changesSince: (earlier: RegisteredSchema) => string = () => '',
  ): Promise<SchemaIdentity> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions?normalize=${schema.normalize}`
    const response = await this.#http.send({ method: 'POST', path, body: bodyOf(schema) }, signal)
    if (response.errorCode === 0) return identityIn(response)
    const where = `the schema of subject "${subject}" is not registered at ${response.url}`
    if (response.status !== 409)
      throw new DataError(`${where}: ${said(response)}. The registry does not accept this schema`, {
        code: 'SCHEMA_REFUSED',
      })
    const { version, changes } = await this.#earlier(subject, response, changesSince, signal)
    const change = changes === '' ? '' : `. Since version ${version}: ${changes}`
    throw new DataError(
      `${where}: it is incompatible${change}. To accept it: PUT ${response.url}/config/${encodeURIComponent(subject)} with ` +
        `{"compatibility": "NONE"}, restart the task, and set the level back. The registry says ${said(response)}`,
      { code: 'SCHEMA_INCOMPATIBLE' },
    )
  }

  /** The changes since the version that the registry names, or the latest. They only explain an error: none if that cannot be read. */
  async #earlier(
    subject: string,
    { message }: RegistryResponse,
    changesSince: (earlier: RegisteredSchema) => string,
    signal: AbortSignal,
  ): Promise<{ readonly version: string; readonly changes: string }> {
    const named = /\{oldSchemaVersion: (\d+)\}/.exec(message)?.[1]
    try {
      const schema = await this.latest(subject, signal, named)
      return { version: String(schema.version), changes: changesSince(schema) }
    } catch (error) {
      // A RangeError: it is nested too deeply.
      if (!(error instanceof ConnectError) && !(error instanceof RangeError)) throw error
      return { version: '', changes: '' }
    }
  }

  /** Returns the id, the GUID and the version of a schema in a subject; null if the subject does not have it. */
  async lookUp(
    subject: string,
    schema: SubmittedSchema,
    signal: AbortSignal,
  ): Promise<(SchemaIdentity & { readonly version: number }) | null> {
    const path = `/subjects/${encodeURIComponent(subject)}?normalize=${schema.normalize}&deleted=false`
    const response = await this.#http.send({ method: 'POST', path, body: bodyOf(schema) }, signal)
    if (response.status === 404) return null
    if (response.errorCode !== 0)
      throw new DataError(
        `the schema registry at ${response.url} does not look up a schema of subject "${subject}": ${said(response)}`,
        { code: 'SCHEMA_REFUSED' },
      )
    return { ...identityIn(response), version: numberIn(objectOf(response), 'version', response) }
  }

  /** Returns the latest schema of a subject, or a version of it. @throws DataError if the subject has none */
  async latest(subject: string, signal: AbortSignal, version = 'latest'): Promise<SchemaOfSubject> {
    return await this.#schemaAt(subject, `/versions/${version}`, '', signal)
  }

  /** Returns the latest schema of a subject whose metadata has these properties. @throws DataError if the subject has none */
  async latestWith(
    subject: string,
    properties: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<SchemaOfSubject> {
    const query = [...properties].map(
      ([key, value]) => `key=${encodeURIComponent(key)}&value=${encodeURIComponent(value)}`,
    )
    const wanted = [...properties].map((property) => property.join('=')).join(', ')
    const place = `/metadata?${query.join('&')}&deleted=false`
    return await this.#schemaAt(subject, place, ` with ${wanted} in its metadata`, signal)
  }

  async #schemaAt(subject: string, place: string, which: string, signal: AbortSignal): Promise<SchemaOfSubject> {
    const path = `/subjects/${encodeURIComponent(subject)}${place}`
    const response = await this.#http.send({ method: 'GET', path }, signal)
    if (response.errorCode !== 0)
      throw new DataError(
        `the schema registry at ${response.url} has no schema of subject "${subject}"${which} (${said(response)}): register one, or set auto.register.schemas=true`,
        { code: 'SUBJECT_UNKNOWN' },
      )
    const body = objectOf(response)
    const schema = { type: typeOf(body), text: textIn(body, response), references: await this.#referred(body, signal) }
    return { ...schema, identity: identityIn(response), version: numberIn(body, 'version', response) }
  }

  /** Returns the version that a schema has in a subject; null if the subject does not have it. */
  async versionOf(ref: SchemaRef, subject: string, signal: AbortSignal): Promise<number | null> {
    const id = typeof ref === 'number' ? ref : await this.#idOfGuid(ref, signal)
    if (id === null) return null
    const response = await this.#http.send({ method: 'GET', path: `/schemas/ids/${id}/versions` }, signal)
    if (response.errorCode !== 0 || !Array.isArray(response.body)) return null
    const versions = (response.body as readonly JsonValue[]).flatMap((item) =>
      isJsonObject(item) && item['subject'] === subject ? [Number(item['version'])] : [],
    )
    return versions.length === 0 ? null : Math.max(...versions)
  }

  /** Returns the id of a schema in the default context; null if it is in others only. */
  async #idOfGuid(guid: string, signal: AbortSignal): Promise<number | null> {
    const path = `/schemas/guids/${guid}/ids`
    const { errorCode, body } = await this.#http.send({ method: 'GET', path, adviceIfAbsent: noGuids }, signal)
    if (errorCode !== 0 || !Array.isArray(body)) return null
    const found = (body as readonly JsonValue[]).find((item) => isJsonObject(item) && item['context'] === '.')
    return isJsonObject(found) && Number.isInteger(found['id']) ? Number(found['id']) : null
  }

  async #referred(schema: JsonObject, signal: AbortSignal): Promise<RegisteredSchema['references']> {
    const found = new Map<string, string>()
    const visit = async (of: JsonObject): Promise<void> => {
      for (const { name, subject, version } of referencesOf(of)) {
        if (found.has(name)) continue
        if (found.size >= maxReferences)
          throw new DataError(`a schema refers to more than ${maxReferences} others`, { code: 'SCHEMA_REFUSED' })
        const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}?deleted=true`
        const response = await this.#http.send({ method: 'GET', path }, signal)
        if (response.errorCode !== 0)
          throw new DataError(
            `the schema registry at ${response.url} does not have "${name}", to which a schema refers: version ${version} of subject "${subject}" (${said(response)})`,
            { code: 'SCHEMA_REFERENCE_UNKNOWN' },
          )
        const body = objectOf(response)
        // Marked before its references are visited, so that schemas that refer to each other end. It moves behind them after.
        found.set(name, '')
        await visit(body)
        found.delete(name)
        found.set(name, textIn(body, response))
      }
    }
    await visit(schema)
    return [...found].map(([name, text]) => ({ name, text }))
  }
}

function bodyOf({ type, text }: SubmittedSchema): JsonObject {
  return type === 'AVRO' ? { schema: text } : { schemaType: type, schema: text }
}

function said({ errorCode, message }: RegistryResponse): string {
  return `${errorCode}: ${message}`
}

function objectOf(response: RegistryResponse): JsonObject {
  if (isJsonObject(response.body)) return response.body
  throw unexpected(response)
}

function textIn(body: JsonObject, response: RegistryResponse): string {
  const { schema } = body
  if (typeof schema !== 'string') throw unexpected(response)
  return schema
}

function numberIn(body: JsonObject, key: string, response: RegistryResponse): number {
  const value = body[key]
  if (typeof value !== 'number' || !Number.isInteger(value)) throw unexpected(response)
  return value
}

function identityIn(response: RegistryResponse): SchemaIdentity {
  const body = objectOf(response)
  const { guid } = body
  const isUuid = typeof guid === 'string' && /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(guid)
  return { id: numberIn(body, 'id', response), guid: isUuid ? guid : null }
}

function typeOf(body: JsonObject): string {
  return typeof body['schemaType'] === 'string' ? body['schemaType'] : 'AVRO'
}

function referencesOf(body: JsonObject): readonly SchemaReference[] {
  const listed = body['references']
  if (!Array.isArray(listed)) return []
  return (listed as readonly JsonValue[]).flatMap((item) => {
    if (!isJsonObject(item)) return []
    const { name, subject, version } = item
    if (typeof name !== 'string' || typeof subject !== 'string') return []
    return [{ name, subject, version: Number(version) }]
  })
}

function unexpected({ url, status }: RegistryResponse): Error {
  return new RetriableError(
    `the server at ${url} responds with ${status} and not as a schema registry does: check schema.registry.url`,
  )
}
