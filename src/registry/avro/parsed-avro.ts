import { errorMessage } from '../../foundation/error-message.ts'
import type { ParsedSchema, ReadingNames, SchemaSource } from '../schemas/parsed-schema.ts'
import { sortedReferences, type SchemaReference } from '../state/registry-schema.ts'
import { avroIncompatibilities, type AvroIncompatibility } from './avro-compatibility.ts'
import type { AvroSchema } from './avro-schema.ts'
import { avroIdentity, avroText } from './avro-text.ts'
import { normalAvro } from './normal-avro.ts'
import { parseAvro, type KnownTypes } from './parse-avro.ts'

/** An Avro schema of a subject. */
export class ParsedAvro implements ParsedSchema {
  readonly schemaType = 'AVRO'
  readonly references: readonly SchemaReference[]
  readonly schema: AvroSchema
  /** The types that references define. */
  readonly #referred: readonly string[]
  #text: string | null = null
  #identity: string | null = null

  private constructor(schema: AvroSchema, references: readonly SchemaReference[], referred: readonly string[]) {
    this.schema = schema
    this.references = references
    this.#referred = referred
  }

  /** @throws AvroParseError, JsonError */
  static parse({ schema, references, resolved }: SchemaSource): ParsedAvro {
    const known: KnownTypes = new Map()
    for (const reference of resolved) parseAvro(reference.schema, known)
    const referred = [...known.keys()]
    return new ParsedAvro(parseAvro(schema, known), references, referred)
  }

  get text(): string {
    this.#text ??= avroText(this.schema, { known: this.#referred })
    return this.#text
  }

  get identity(): string {
    this.#identity ??= avroIdentity(this.schema)
    return this.#identity
  }

  normalized(): ParsedAvro {
    return new ParsedAvro(normalAvro(this.schema), sortedReferences(this.references), this.#referred)
  }

  formatted(format: string): string {
    return format === 'resolved' ? avroText(this.schema) : this.text
  }

  readingProblems(writer: ParsedSchema, names: ReadingNames): readonly string[] {
    if (!(writer instanceof ParsedAvro)) throw new TypeError('the schemas are of different types')
    try {
      return avroIncompatibilities(this.schema, writer.schema).map((problem) => problemText(problem, names))
    } catch (error) {
      return [`Unexpected exception during compatibility check: ${errorMessage(error)}`]
    }
  }
}

/** The wording of Confluent's `Difference`: tools show it. */
function problemText({ type, location, message }: AvroIncompatibility, { reader, writer }: ReadingNames): string {
  const descriptions: Readonly<Record<AvroIncompatibility['type'], string>> = {
    FIXED_SIZE_MISMATCH: `The size of FIXED type field at path '${location}' in the ${reader} schema does not match with the ${writer} schema`,
    TYPE_MISMATCH: `The type (path '${location}') of a field in the ${reader} schema does not match with the ${writer} schema`,
    NAME_MISMATCH: `The name of the schema has changed (path '${location}')`,
    MISSING_ENUM_SYMBOLS: `The ${reader} schema is missing enum symbols '${message}' at path '${location}' in the ${writer} schema`,
    MISSING_UNION_BRANCH: `The ${reader} schema is missing a type inside a union field at path '${location}' in the ${writer} schema`,
    READER_FIELD_MISSING_DEFAULT_VALUE: `The field '${message}' at path '${location}' in the ${reader} schema has no default value and is missing in the ${writer} schema`,
  }
  return `{errorType:'${type}', description:'${descriptions[type]}', additionalInfo:'${message}'}`
}
