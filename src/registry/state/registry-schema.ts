import { createHash } from 'node:crypto'

/** A schema of another subject that a schema uses, under a name that the schema's type gives a meaning. */
export interface SchemaReference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

/** By name, subject and version, each once. */
export function sortedReferences(references: readonly SchemaReference[]): readonly SchemaReference[] {
  const keyed = new Map(
    references.map((reference) => [JSON.stringify([reference.name, reference.subject, reference.version]), reference]),
  )
  return [...keyed].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, reference]) => reference)
}

/** What a schema carries for its users. */
export interface SchemaMetadata {
  readonly tags?: Readonly<Record<string, readonly string[]>>
  readonly properties?: Readonly<Record<string, string>>
  readonly sensitive?: readonly string[]
}

/** JSON that the registry keeps as it is. */
export type KeptJson = Readonly<Record<string, unknown>>

export interface SchemaContent {
  /** `AVRO`, `JSON` or `PROTOBUF`; the topic may have others. */
  readonly schemaType: string
  readonly schema: string
  readonly references: readonly SchemaReference[]
  readonly metadata: SchemaMetadata | null
  /** Rules of Confluent's: schemas of the topic may have them. */
  readonly ruleSet: KeptJson | null
}

/** A version of a subject, as the topic has it. */
export interface SchemaVersion extends SchemaContent {
  readonly subject: string
  readonly version: number
  readonly id: number
  /** A soft-deleted version is only found where a request asks for deleted ones. */
  readonly deleted: boolean
  /** See {@link guidOf}. */
  readonly guid: string
  /** When it was written: milliseconds of the epoch. */
  readonly timestamp: number
}

/**
 * The identity of a schema, in all subjects and contexts: an MD5 of text, references and metadata in the form of a UUID
 * (Confluent's `MD5.ofSchema`). Schemas with the same one have the same id.
 */
export function guidOf({ schema, references, metadata, ruleSet }: SchemaContent): string {
  const hash = createHash('md5').update(schema, 'utf8')
  for (const { name, subject, version } of references) {
    const number = Buffer.alloc(4)
    number.writeInt32BE(version)
    hash.update(name).update(subject).update(number)
  }
  if (metadata !== null) {
    hash.update(Buffer.of(1))
    for (const [key, values] of sortedEntries(metadata.tags)) for (const text of [key, ...values]) hash.update(text)
    for (const [key, value] of sortedEntries(metadata.properties)) hash.update(key).update(value)
    for (const text of (metadata.sensitive ?? []).toSorted()) hash.update(text)
  }
  if (ruleSet !== null) hash.update(Buffer.of(1)).update(JSON.stringify(ruleSet))
  return guidText(hash.digest('hex'))
}

/** The UUID of 32 hexadecimal digits. */
export function guidText(digits: string): string {
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

function sortedEntries<T>(object: Readonly<Record<string, T>> | undefined): readonly (readonly [string, T])[] {
  return Object.entries(object ?? {}).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

export function sameMetadata(a: SchemaMetadata | null, b: SchemaMetadata | null): boolean {
  return metadataText(a) === metadataText(b)
}

function metadataText(metadata: SchemaMetadata | null): string {
  if (metadata === null) return ''
  const { tags, properties, sensitive } = metadata
  return JSON.stringify([sortedEntries(tags), sortedEntries(properties), (sensitive ?? []).toSorted()])
}
