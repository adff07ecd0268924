import { DataError } from '../../api/errors.ts'
import { keySchemaOf, valueSchemaOf } from '../../api/json/json-write.ts'
import { Logical, type Field, type Schema } from '../../api/schema.ts'
import {
  avroText,
  fullNameOf,
  sameDefinition,
  type AvroNode,
  type NamedNode,
  type NodeField,
  type Property,
} from './avro-node.ts'
import type { AvroOptions } from '../avro-options.ts'
import { defaultJson, isValidDefault } from './default-json.ts'
import { hasStringKeys } from './map-form.ts'
import {
  avroPrefix,
  defaultPrecision,
  hasOwn,
  isAvroName,
  isFixedSchema,
  isUnionSchema,
  Names,
  namespace,
  scrubbed,
  splitName,
  type SplitName,
} from '../names.ts'

const primitiveTypes = {
  INT8: 'int',
  INT16: 'int',
  INT32: 'int',
  INT64: 'long',
  FLOAT32: 'float',
  FLOAT64: 'double',
  BOOLEAN: 'boolean',
  STRING: 'string',
  BYTES: 'bytes',
} as const

const nullNode: AvroNode = { kind: 'primitive', type: 'null', properties: [] }

/** Marks the record of a map's entries. */
const isEntry: Property = [Names.internalType, JSON.stringify(Names.mapEntry)]

const logicalTypes: ReadonlyMap<string | null, string> = new Map([
  [Logical.decimal, 'decimal'],
  [Logical.date, 'date'],
  [Logical.time, 'time-millis'],
  [Logical.timestamp, 'timestamp-millis'],
])

/**
 * Returns the Avro schema of a Connect schema as text: the one that Confluent's `AvroData` makes of it.
 * @throws DataError if Avro cannot express it
 */
export function avroOfConnect(schema: Schema, options: AvroOptions): string {
  return avroText(new AvroBuilder(options).node(schema, false))
}

class AvroBuilder {
  readonly #options: AvroOptions
  readonly #named = new Map<string, NamedNode>()
  /** The records of structs, also those that are not complete: a struct may contain itself. */
  readonly #records = new Map<readonly Field[], NamedNode[]>()
  readonly #unnamed: NamedNode[] = []
  #names = 0

  constructor(options: AvroOptions) {
    this.#options = options
  }

  node(schema: Schema, ignoreOptional: boolean): AvroNode {
    if (isUnionSchema(schema)) return this.#union(schema)
    const base = this.#base(schema)
    if (ignoreOptional || !schema.optional) return base
    const nullLast = schema.type !== 'STRUCT' && hasDefault(schema)
    return { kind: 'union', branches: nullLast ? [base, nullNode] : [nullNode, base] }
  }

  #union(schema: Schema): AvroNode {
    const branches = schema.fields.map((field) => this.node(field.schema, true))
    return { kind: 'union', branches: schema.optional ? [nullNode, ...branches] : branches }
  }

  /** The type of values that are not null. */
  #base(schema: Schema): AvroNode {
    switch (schema.type) {
      case 'STRUCT':
        return this.#record(schema)
      case 'ARRAY':
        return { kind: 'array', item: this.node(valueSchemaOf(schema), false), properties: this.#properties(schema) }
      case 'MAP':
        return this.#map(schema)
      case 'STRING':
        if (this.#enumName(schema) !== null) return this.#enum(schema)
        break
      case 'BYTES':
        if (isFixedSchema(schema)) return this.#fixed(schema)
        break
      default:
    }
    return { kind: 'primitive', type: primitiveTypes[schema.type], properties: this.#properties(schema) }
  }

  #map(schema: Schema): AvroNode {
    const properties = this.#properties(schema)
    if (hasStringKeys(schema, this.#options))
      return { kind: 'map', item: this.node(valueSchemaOf(schema), false), properties }
    const head = { kind: 'record', doc: null, own: [] } as const
    const fields = [this.#field('key', keySchemaOf(schema), null), this.#field('value', valueSchemaOf(schema), null)]
    const item =
      schema.name === null
        ? this.#definedEntry({ ...head, fields, namespace, name: Names.mapEntry, properties: [] })
        : this.#defined({ ...head, fields, ...this.#nameOf(schema), properties: [isEntry] })
    return { kind: 'array', item, properties }
  }

  /**
   * Defines the entries of a map without a name. Confluent's converter fails where a schema has two kinds of them. Here the second
   * has another name, and the attribute by which both converters know entries.
   */
  #definedEntry(entry: NamedNode): NamedNode {
    let candidate = entry
    for (let number = 2; ; number += 1) {
      const known = this.#named.get(fullNameOf(candidate))
      if (known === undefined || sameDefinition(candidate, known)) return this.#defined(candidate)
      candidate = { ...entry, name: `${Names.mapEntry}${number}`, properties: [isEntry] }
    }
  }

  #record(schema: Schema): NamedNode {
    const properties = this.#properties(schema)
    const { discardTypeDocDefault: discard, scrubInvalidNames } = this.#options
    const doc = schema.parameters?.[discard ? Names.recordDocOfConnect : Names.recordDoc] ?? null
    const known = this.#records.get(schema.fields) ?? []
    const sameHead = known.find((one) => one.doc === doc && one.properties.join('\n') === properties.join('\n'))
    if (sameHead !== undefined) return sameHead
    const record: NamedNode = { ...this.#nameOf(schema), kind: 'record', doc, fields: [], own: [], properties }
    const mine = [...known, record]
    this.#records.set(schema.fields, mine)
    const number = this.#names
    for (const field of schema.fields) {
      const fieldDoc = discard ? field.schema.doc : (schema.parameters?.[`${Names.fieldDoc}${field.name}`] ?? null)
      record.fields.push(this.#field(scrubInvalidNames ? scrubbed(field.name) : field.name, field.schema, fieldDoc))
    }
    const defined = schema.name === null ? this.#definedUnnamed(record, number) : this.#defined(record)
    mine[known.length] = defined
    return defined
  }

  #field(name: string, schema: Schema, doc: string | null): NodeField {
    if (!isAvroName(name)) invalidName(`the field "${name}"`)
    const node = this.node(schema, false)
    const own = hasDefault(schema)
      ? defaultJson(schema, schema.defaultValue ?? null, this.#options)
      : schema.optional
        ? 'null'
        : null
    return { name, node, doc, defaultJson: own !== null && isValidDefault(node, own) ? own : null }
  }

  /** Structs without a name are one type if they are equal, as those with a name. */
  #definedUnnamed(record: NamedNode, number: number): NamedNode {
    const known = this.#unnamed.find((other) => sameDefinition(record, other))
    if (known !== undefined) {
      if (this.#names === number) this.#names -= 1
      return known
    }
    this.#unnamed.push(record)
    return record
  }

  #defined(node: NamedNode): NamedNode {
    const fullName = fullNameOf(node)
    const known = this.#named.get(fullName)
    if (known === undefined) {
      this.#named.set(fullName, node)
      return node
    }
    if (sameDefinition(node, known)) return known
    throw new DataError(
      `Avro has one type for each name, but two different schemas have the name "${fullName}". Rename one of them, for instance with SetSchemaMetadata`,
      { code: 'AVRO_NAME_TWICE' },
    )
  }

  #enumName({ parameters }: Schema): string | null {
    const { generalized, enhanced } = this.#options
    if (!generalized && !enhanced) return null
    return parameters?.[generalized ? Names.generalizedEnum : Names.enum] ?? null
  }

  #enum(schema: Schema): NamedNode {
    const { generalized, discardTypeDocDefault: discard } = this.#options
    const parameters = schema.parameters ?? {}
    const prefix = `${generalized ? Names.generalizedEnum : Names.enum}.`
    const symbols = Object.keys(parameters).flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []))
    const { name } = this.#nameOf(schema)
    const doc = parameters[discard ? Names.enumDocOfConnect : `${Names.enumDoc}${name}`] ?? null
    const symbol = discard ? undefined : parameters[`${Names.enumDefault}${name}`]
    const own: Property[] = [['symbols', JSON.stringify(symbols)]]
    if (symbol !== undefined) own.push(['default', JSON.stringify(symbol)])
    const named = splitName(this.#enumName(schema) ?? '', false)
    return this.#defined({ kind: 'enum', ...named, doc, fields: [], own, properties: this.#properties(schema) })
  }

  #fixed(schema: Schema): NamedNode {
    const own: Property[] = [['size', String(Number(schema.parameters?.[Names.fixedSize]))]]
    const properties = this.#properties(schema)
    return this.#defined({ ...this.#nameOf(schema), kind: 'fixed', doc: null, fields: [], own, properties })
  }

  #nameOf({ name }: Schema): SplitName {
    if (name === null) {
      this.#names += 1
      return { namespace, name: `${Names.defaultRecord}${this.#names > 1 ? this.#names : ''}` }
    }
    const split = splitName(name, this.#options.scrubInvalidNames)
    const parts = [...(split.namespace?.split('.') ?? []), split.name]
    if (!parts.every(isAvroName)) invalidName(`the schema "${name}"`)
    return split
  }

  /** Attributes of a type, in the order in which Confluent's converter adds them. */
  #properties(schema: Schema): readonly Property[] {
    const properties = new Map<string, string>()
    const add = (key: string, json: string): void => void (properties.has(key) || properties.set(key, json))
    const { name, parameters } = schema
    if (name === Logical.decimal) {
      add('scale', String(Number(parameters?.['scale'] ?? 0)))
      add('precision', String(precisionOf(schema)))
    }
    if (this.#options.connectMetaData) this.#addMetaData(schema, add)
    const logical = logicalTypes.get(name)
    if (logical !== undefined) add('logicalType', JSON.stringify(logical))
    for (const [key, value] of Object.entries(parameters ?? {}))
      if (key.startsWith(avroPrefix)) add(key, JSON.stringify(value))
    return [...properties]
  }

  #addMetaData(schema: Schema, add: (key: string, json: string) => void): void {
    const { type, doc, version, parameters, name } = schema
    if (doc !== null) add(Names.connectDoc, JSON.stringify(doc))
    if (version !== null) add(Names.connectVersion, String(version))
    const shown = Object.entries(parameters ?? {}).filter(([key]) => key !== Names.fieldDefault)
    if (shown.length > 0) {
      const members = shown.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`)
      add(Names.connectParameters, `{${members.join(',')}}`)
    }
    const isOfField = !this.#options.discardTypeDocDefault && hasOwn(parameters, Names.fieldDefault)
    if (hasDefault(schema) && !isOfField)
      add(Names.connectDefault, defaultJson(schema, schema.defaultValue ?? null, this.#options))
    if (name !== null) add(Names.connectName, JSON.stringify(name))
    if (type === 'INT8' || type === 'INT16') add(Names.connectType, JSON.stringify(type.toLowerCase()))
  }
}

function hasDefault({ defaultValue }: Schema): boolean {
  return defaultValue !== undefined && defaultValue !== null
}

function precisionOf({ parameters }: Schema): number {
  const given = parameters?.[Names.decimalPrecision]
  return given === undefined ? defaultPrecision : Number(given)
}

function invalidName(what: string): never {
  throw new DataError(
    `${what} has no name that Avro allows: letters, digits and _, not beginning with a digit. Set scrub.invalid.names=true, or rename it`,
    { code: 'AVRO_NAME_INVALID' },
  )
}
