import { jsonText, objectText, sorted, stringText } from '../json/json-node.ts'
import {
  fullName,
  isNamed,
  primitiveTypes,
  type AvroField,
  type AvroNamed,
  type AvroProperties,
  type AvroSchema,
} from './avro-schema.ts'

type Entry = readonly [string, string]

interface TextOptions {
  /** Full names that are written as names, as their definition is elsewhere. */
  readonly known?: Iterable<string>
  /** Whether the order of properties and aliases, which has no meaning, is replaced by the alphabet's. */
  readonly sorts?: boolean
}

const typeNames: ReadonlySet<string> = new Set([...primitiveTypes, 'record', 'enum', 'array', 'map', 'union', 'fixed'])

/** The canonical text of a schema: that of `Schema.toString` of Java's Avro, which Confluent's registry stores. */
export function avroText(schema: AvroSchema, options: TextOptions = {}): string {
  return new AvroWriter(options).text(schema, null)
}

/** The same text for schemas that Java's `Schema.equals`, their docs and their aliases do not tell apart. */
export function avroIdentity(schema: AvroSchema): string {
  return avroText(schema, { sorts: true })
}

class AvroWriter {
  readonly #written: Set<string>
  readonly #sorts: boolean

  constructor({ known = [], sorts = false }: TextOptions) {
    this.#written = new Set(known)
    this.#sorts = sorts
  }

  text(schema: AvroSchema, namespace: string | null): string {
    if (isNamed(schema)) return this.#named(schema, namespace)
    if (schema.type === 'union') return `[${schema.branches.map((branch) => this.text(branch, namespace)).join(',')}]`
    const properties = this.#properties(schema.properties)
    const type = stringText(schema.type)
    if (schema.type === 'array')
      return objectText([['type', type], ['items', this.text(schema.items, namespace)], ...properties])
    if (schema.type === 'map')
      return objectText([['type', type], ['values', this.text(schema.values, namespace)], ...properties])
    return properties.length === 0 ? type : objectText([['type', type], ...properties])
  }

  #named(schema: AvroNamed, outer: string | null): string {
    const full = fullName(schema)
    if (this.#written.has(full)) {
      // A name that is also a type's would be read as that type.
      const isPlain = schema.namespace === outer && (outer === null || !typeNames.has(schema.name))
      return stringText(isPlain ? schema.name : full)
    }
    this.#written.add(full)
    const namespace: Entry[] = schema.namespace === outer ? [] : [['namespace', stringText(schema.namespace ?? '')]]
    return objectText([
      ['type', stringText(schema.type)],
      ['name', stringText(schema.name)],
      ...namespace,
      ...optionalText('doc', schema.doc),
      ...this.#contents(schema),
      ...this.#properties(schema.properties),
      ...this.#aliases(schema.aliases, schema.namespace),
    ])
  }

  #contents(schema: AvroNamed): readonly Entry[] {
    if (schema.type === 'fixed') return [['size', String(schema.size)]]
    if (schema.type === 'enum')
      return [['symbols', jsonText(schema.symbols)], ...optionalText('default', schema.defaultSymbol)]
    return [['fields', `[${schema.fields.map((field) => this.#field(field, schema.namespace)).join(',')}]`]]
  }

  #field(field: AvroField, namespace: string | null): string {
    const value: Entry[] = field.defaultValue === undefined ? [] : [['default', jsonText(field.defaultValue)]]
    return objectText([
      ['name', stringText(field.name)],
      ['type', this.text(field.type, namespace)],
      ...optionalText('doc', field.doc),
      ...value,
      ...(field.order === 'ascending' ? [] : optionalText('order', field.order)),
      ...this.#aliases(field.aliases, null),
      ...this.#properties(field.properties),
    ])
  }

  #properties(properties: AvroProperties): readonly Entry[] {
    const node = this.#sorts ? sorted(properties) : properties
    return [...(node as AvroProperties)].map(([key, value]) => [key, jsonText(value)])
  }

  /** Aliases of the own namespace are written without it. */
  #aliases(aliases: readonly string[], namespace: string | null): readonly Entry[] {
    if (aliases.length === 0) return []
    const prefix = namespace === null ? null : `${namespace}.`
    const names = aliases.map((alias) => (isBelow(alias, prefix) ? alias.slice(prefix?.length) : alias))
    return [['aliases', jsonText(this.#sorts ? names.toSorted() : names)]]
  }
}

function isBelow(alias: string, prefix: string | null): boolean {
  return prefix !== null && alias.startsWith(prefix) && !alias.slice(prefix.length).includes('.')
}

function optionalText(key: string, text: string | null): readonly Entry[] {
  return text === null ? [] : [[key, stringText(text)]]
}
