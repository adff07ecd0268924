import type { SchemaReference } from '../state/registry-schema.ts'

/** A schema of one of the types, with the schemas that it refers to. */
export interface ParsedSchema {
  /** `AVRO`, `JSON` or `PROTOBUF`. */
  readonly schemaType: string
  /** The text that is stored: without what has no meaning, and the same for schemas that are the same. */
  readonly text: string
  readonly references: readonly SchemaReference[]
  /** The same text, with its references resolved, for schemas that a lookup takes for one another. */
  readonly identity: string
  /**
   * Checks what a new schema has to be beyond one that parses. Stored ones may be less: another registry has accepted them.
   * @throws as the type's parser
   */
  check?(): void
  /** The same schema with one order for all that has none. */
  normalized(): ParsedSchema
  /** The text in a format of the type, such as `resolved`; the stored text for a format that it does not have. */
  formatted(format: string): string
  /**
   * Why this schema cannot read data of another schema of its type; empty when it can.
   * @param names what the texts call this schema and the other one: new and old, or old and new
   */
  readingProblems(writer: ParsedSchema, names: ReadingNames): readonly string[]
}

export interface ReadingNames {
  readonly reader: 'new' | 'old'
  readonly writer: 'new' | 'old'
}

/** The text of a reference: its name in the schema that refers to it, and its text. */
export interface ResolvedReference {
  readonly name: string
  readonly schema: string
}

/** What a type of schemas parses. */
export interface SchemaSource {
  readonly schema: string
  readonly references: readonly SchemaReference[]
  /** The referred schemas and those that they refer to, each after those it needs. */
  readonly resolved: readonly ResolvedReference[]
}
