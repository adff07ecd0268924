import { AvroParseError } from '../avro/parse-avro.ts'
import { ParsedAvro } from '../avro/parsed-avro.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { ParsedJsonSchema } from '../json-schema/parsed-json-schema.ts'
import { JsonError } from '../json/parse-json.ts'
import { ProtobufError } from '../protobuf/parse/proto-reader.ts'
import { ParsedProtobuf } from '../protobuf/parsed-protobuf.ts'
import { registryErrors } from '../registry-error.ts'
import { referredSubject } from '../state/qualified-subject.ts'
import type { SchemaContent, SchemaReference, SchemaVersion } from '../state/registry-schema.ts'
import type { RegistryState } from '../state/registry-state.ts'
import { RecentSchemas } from './recent-schemas.ts'
import type { ParsedSchema, ResolvedReference, SchemaSource } from './parsed-schema.ts'

const types: Readonly<Record<string, (source: SchemaSource) => ParsedSchema>> = {
  JSON: (source) => ParsedJsonSchema.parse(source),
  PROTOBUF: (source) => ParsedProtobuf.parse(source),
  AVRO: (source) => ParsedAvro.parse(source),
}

/** What a text that is no schema throws. */
const parseErrors = [AvroParseError, JsonError, ProtobufError] as const

/** The types of schemas that can be registered. */
export const schemaTypes: readonly string[] = Object.keys(types)

/** The version of a reference that stands for the last one of its subject. */
const latestVersion = -1

/** What is parsed: the content of a schema, and the subject whose context its references belong to. */
type ParsableSchema = Pick<SchemaContent, 'schemaType' | 'schema' | 'references'> & { readonly subject: string }

const recent = new RecentSchemas()

/** Parsed versions: they never change, nor does what they refer to. */
const parsedVersions = new WeakMap<SchemaVersion, ParsedSchema>()

/** Parses a version, once. @throws RegistryError 42201 */
export function parseVersion(state: RegistryState, version: SchemaVersion): ParsedSchema {
  const known = parsedVersions.get(version)
  if (known !== undefined) return known
  const parsed = parse(state, version, () => undefined)
  parsedVersions.set(version, parsed)
  return parsed
}

/**
 * Parses a schema of a request with its references, and checks it.
 * @throws RegistryError 42201
 */
export function parseSchema(state: RegistryState, parsable: ParsableSchema): ParsedSchema {
  return parse(state, parsable, (parsed) => parsed.check?.())
}

function parse(state: RegistryState, parsable: ParsableSchema, check: (parsed: ParsedSchema) => void): ParsedSchema {
  const { schemaType, schema, subject } = parsable
  const parser = Object.hasOwn(types, schemaType) ? types[schemaType] : undefined
  if (parser === undefined)
    throw registryErrors.invalidSchema(
      `Invalid schema type ${schemaType}: this registry knows ${schemaTypes.join(', ')}`,
    )
  if (schema.trim() === '') throw registryErrors.invalidSchema('Empty schema')
  const references = parsable.references.map((reference) => withVersion(state, subject, reference))
  try {
    const resolved = new References(state).of(subject, references)
    const parsed = (): ParsedSchema => parser({ schema, references, resolved })
    const found = references.length === 0 ? recent.of(schemaType, schema, parsed) : parsed()
    check(found)
    return found
  } catch (error) {
    if (!parseErrors.some((type) => error instanceof type)) throw error
    throw registryErrors.invalidSchema(`Invalid schema of type ${schemaType}, details: ${errorMessage(error)}`)
  }
}

/** The reference with the number of the version. */
function withVersion(state: RegistryState, parent: string, reference: SchemaReference): SchemaReference {
  if (reference.version !== latestVersion) return reference
  const latest = state.latest(referredSubject(parent, reference.subject))
  if (latest === null) throw missing(parent, reference)
  return { ...reference, version: latest.version }
}

function missing(parent: string, { subject, version }: SchemaReference): Error {
  return registryErrors.invalidSchema(
    `No schema reference found for subject "${referredSubject(parent, subject)}" and version ${version}`,
  )
}

/** Finds what schemas refer to. Deleted versions count: data of them may still be read. */
class References {
  readonly #state: RegistryState
  readonly #resolved = new Map<string, ResolvedReference>()
  readonly #visited = new Set<string>()

  constructor(state: RegistryState) {
    this.#state = state
  }

  of(parent: string, references: readonly SchemaReference[]): readonly ResolvedReference[] {
    for (const reference of references) {
      if (this.#visited.has(reference.name)) continue
      this.#visited.add(reference.name)
      const version = this.#state.version(referredSubject(parent, reference.subject), reference.version)
      if (version === null) throw missing(parent, reference)
      this.of(version.subject, version.references)
      this.#resolved.set(reference.name, { name: reference.name, schema: version.schema })
    }
    return [...this.#resolved.values()]
  }
}
