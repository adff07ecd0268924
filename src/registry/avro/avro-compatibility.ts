import {
  fullName,
  isNamed,
  isRecord,
  type AvroEnum,
  type AvroField,
  type AvroNamed,
  type AvroRecord,
  type AvroSchema,
} from './avro-schema.ts'

/** Why a reader's schema cannot read what a writer's schema has written: Avro's names (`SchemaIncompatibilityType`). */
export type IncompatibilityType =
  | 'NAME_MISMATCH'
  | 'FIXED_SIZE_MISMATCH'
  | 'MISSING_ENUM_SYMBOLS'
  | 'READER_FIELD_MISSING_DEFAULT_VALUE'
  | 'TYPE_MISMATCH'
  | 'MISSING_UNION_BRANCH'

export interface AvroIncompatibility {
  readonly type: IncompatibilityType
  /** Where in the reader's schema: `/fields/1/type`. */
  readonly location: string
  readonly message: string
}

/** A reader's field matches several fields of the writer, by its name and aliases. */
export class AmbiguousFieldError extends Error {
  override readonly name = 'AmbiguousFieldError'
}

/** Of schemas that are too large: each branch of a union is compared with each of another one. */
class TooManyComparisonsError extends Error {
  override readonly name = 'TooManyComparisonsError'
}

/** Of one comparison: it runs in the thread that serves requests. */
const maxCompares = 200_000

/** The types that a reader of this type reads too. */
const promotions: Readonly<Partial<Record<AvroSchema['type'], readonly AvroSchema['type'][]>>> = {
  long: ['int'],
  float: ['int', 'long'],
  double: ['int', 'long', 'float'],
  bytes: ['string'],
  string: ['bytes'],
}

/**
 * Returns why the reader's schema cannot read data of the writer's schema; empty when it can. The checks, their order and the
 * locations are those of `SchemaCompatibility` of Java's Avro 1.12.
 * @throws AmbiguousFieldError, TooManyComparisonsError
 */
export function avroIncompatibilities(reader: AvroSchema, writer: AvroSchema): readonly AvroIncompatibility[] {
  return new AvroComparison().of(reader, writer, [''])
}

class AvroComparison {
  /** By reader and writer. A pair that is being compared counts as compatible: its schemas contain themselves. */
  readonly #results = new Map<AvroSchema, Map<AvroSchema, readonly AvroIncompatibility[]>>()
  #compares = 0
  /** The fields of writers by name: a record may have ten thousands. */
  readonly #fields = new Map<AvroRecord, ReadonlyMap<string, AvroField>>()

  of(reader: AvroSchema, writer: AvroSchema, path: readonly string[]): readonly AvroIncompatibility[] {
    const results = this.#results.get(reader) ?? new Map<AvroSchema, readonly AvroIncompatibility[]>()
    this.#results.set(reader, results)
    const known = results.get(writer)
    if (known !== undefined) return known
    results.set(writer, [])
    this.#compares += 1
    if (this.#compares > maxCompares)
      throw new TooManyComparisonsError(`more than ${maxCompares} comparisons are needed`)
    const result = this.#compared(reader, writer, path)
    results.set(writer, result)
    return result
  }

  #compared(reader: AvroSchema, writer: AvroSchema, path: readonly string[]): readonly AvroIncompatibility[] {
    if (kindOf(reader) === kindOf(writer)) return this.#ofSameType(reader, writer, path)
    if (writer.type === 'union')
      return writer.branches.flatMap((branch, index) => this.of(reader, branch, [...path, String(index)]))
    if (reader.type === 'union') {
      const reads = reader.branches.some((branch) => this.of(branch, writer, ['']).length === 0)
      return reads
        ? []
        : [incompatibility('MISSING_UNION_BRANCH', path, `reader union lacking writer type: ${javaType(writer)}`)]
    }
    if (promotions[reader.type]?.includes(writer.type) === true) return []
    const message = `reader type: ${javaType(reader)} not compatible with writer type: ${javaType(writer)}`
    return [incompatibility('TYPE_MISMATCH', path, message)]
  }

  #ofSameType(reader: AvroSchema, writer: AvroSchema, path: readonly string[]): readonly AvroIncompatibility[] {
    if (reader.type === 'array' && writer.type === 'array')
      return this.of(reader.items, writer.items, [...path, 'items'])
    if (reader.type === 'map' && writer.type === 'map')
      return this.of(reader.values, writer.values, [...path, 'values'])
    if (reader.type === 'union' && writer.type === 'union')
      return writer.branches.flatMap((branch, index) =>
        this.of(reader, branch, ['']).length === 0
          ? []
          : [
              incompatibility(
                'MISSING_UNION_BRANCH',
                [...path, String(index)],
                `reader union lacking writer type: ${javaType(branch)}`,
              ),
            ],
      )
    if (!isNamed(reader) || !isNamed(writer)) return []
    return [...comparedNames(reader, writer, path), ...this.#contents(reader, writer, path)]
  }

  #contents(reader: AvroNamed, writer: AvroNamed, path: readonly string[]): readonly AvroIncompatibility[] {
    if (reader.type === 'fixed' && writer.type === 'fixed') {
      const message = `expected: ${writer.size}, found: ${reader.size}`
      return reader.size === writer.size ? [] : [incompatibility('FIXED_SIZE_MISMATCH', [...path, 'size'], message)]
    }
    if (reader.type === 'enum' && writer.type === 'enum') return comparedSymbols(reader, writer, path)
    if (!isRecord(reader) || !isRecord(writer)) return []
    return reader.fields.flatMap((field, index) => this.#field(field, writer, [...path, 'fields', String(index)]))
  }

  #field(field: AvroField, writer: AvroRecord, path: readonly string[]): readonly AvroIncompatibility[] {
    const written = this.#writtenField(field, writer)
    if (written !== null) return this.of(field.type, written.type, [...path, 'type'])
    if (field.defaultValue !== undefined) return []
    // Java's Avro compares the enum with the whole record here, which never succeeds.
    if (field.type.type === 'enum' && field.type.defaultSymbol !== null)
      return this.of(field.type, writer, [...path, 'type'])
    return [incompatibility('READER_FIELD_MISSING_DEFAULT_VALUE', path, field.name)]
  }

  #writtenField(field: AvroField, writer: AvroRecord): AvroField | null {
    const fields = this.#fields.get(writer) ?? new Map(writer.fields.map((other) => [other.name, other]))
    this.#fields.set(writer, fields)
    const found = [field.name, ...field.aliases].flatMap((name) => fields.get(name) ?? [])
    if (found.length > 1)
      throw new AmbiguousFieldError(
        `Reader record field ${field.name} matches multiple fields in writer record schema ${fullName(writer)}`,
      )
    return found[0] ?? null
  }
}

function comparedNames(reader: AvroNamed, writer: AvroNamed, path: readonly string[]): readonly AvroIncompatibility[] {
  const isSame = reader.name === writer.name || reader.aliases.includes(fullName(writer))
  return isSame ? [] : [incompatibility('NAME_MISMATCH', [...path, 'name'], `expected: ${fullName(writer)}`)]
}

function comparedSymbols(reader: AvroEnum, writer: AvroEnum, path: readonly string[]): readonly AvroIncompatibility[] {
  const known = new Set(reader.symbols)
  const missing = writer.symbols.filter((symbol) => !known.has(symbol))
  if (missing.length === 0 || reader.defaultSymbol !== null) return []
  return [incompatibility('MISSING_ENUM_SYMBOLS', [...path, 'symbols'], `[${missing.toSorted().join(', ')}]`)]
}

function incompatibility(type: IncompatibilityType, path: readonly string[], message: string): AvroIncompatibility {
  const location = path.join('/')
  return { type, location: location === '' ? '/' : location, message }
}

function kindOf(schema: AvroSchema): string {
  return isRecord(schema) ? 'record' : schema.type
}

function javaType(schema: AvroSchema): string {
  return kindOf(schema).toUpperCase()
}
