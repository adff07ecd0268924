import {
  ConfigError,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type ParsedConfig,
  type RawConfig,
  type Schema,
  type Transform,
} from 'penstock/api'

import { setMember, type MutableMap } from '../record/plain-map.ts'
import { kafkaTransforms, type Side } from '../record/record-side.ts'
import { requireMap, requireStruct, requireStructSchema } from '../record/requirements.ts'
import { listOf, pairs, replaceNullWithDefault, replacesNull, splitAtColons } from '../record/setting.ts'
import { basicsOf, keptField, perSchema, structOf, structShape, type StructShape } from '../record/struct-shape.ts'

const configDef = {
  exclude: {
    type: 'LIST',
    defaultValue: [],
    importance: 'MEDIUM',
    doc: 'Fields to exclude. This takes precedence over the fields to include.',
  },
  blacklist: { type: 'LIST', defaultValue: null, importance: 'LOW', doc: 'Deprecated. Use exclude instead.' },
  include: {
    type: 'LIST',
    defaultValue: [],
    importance: 'MEDIUM',
    doc: 'Fields to include. If specified, only these fields will be used.',
  },
  whitelist: { type: 'LIST', defaultValue: null, importance: 'LOW', doc: 'Deprecated. Use include instead.' },
  renames: {
    type: 'LIST',
    defaultValue: [],
    importance: 'MEDIUM',
    doc: 'Field rename mappings.',
    validator: pairs(parseRenames),
  },
  'replace.null.with.default': replaceNullWithDefault,
} as const satisfies ConfigDef

function parseRenames(mappings: readonly string[]): ReadonlyMap<string, string> {
  const renames = new Map<string, string>()
  for (const mapping of mappings) {
    const [from, to, ...rest] = splitAtColons(mapping)
    if (from === undefined || to === undefined || rest.length > 0) {
      throw new ConfigError(`Invalid rename mapping: ${mapping}`, { key: 'renames' })
    }
    renames.set(from, to)
  }
  return renames
}

/** Which fields are kept, and under which names. */
interface FieldSelection {
  readonly exclude: ReadonlySet<string>
  readonly include: ReadonlySet<string>
  readonly renames: ReadonlyMap<string, string>
}

/** Drops and renames fields. Null stays null. */
class ReplaceField implements Transform {
  readonly #side: Side
  readonly #selection: FieldSelection
  readonly #shapeOf: (schema: Schema) => StructShape

  constructor(side: Side, selection: FieldSelection, replaceNull: boolean) {
    this.#side = side
    this.#selection = selection
    this.#shapeOf = perSchema((schema) => this.#shape(schema, replaceNull))
  }

  apply<R extends ConnectRecord>(record: R): R {
    const value = this.#side.valueOf(record)
    if (value === null) return record
    const schema = this.#side.schemaOf(record)
    if (schema === null) return this.#side.with(record, null, this.#map(value))
    const values = requireStruct(schema, value, this.#side.transform)
    const shape = this.#shapeOf(schema)
    return this.#side.with(record, shape.schema, shape.row(values))
  }

  #map(value: ConnectValue): MutableMap {
    const map = requireMap(value, this.#side.transform)
    const replaced: MutableMap = {}
    for (const name in map) {
      const kept = this.#nameOf(name)
      if (kept !== null) setMember(replaced, kept, map[name] ?? null)
    }
    return replaced
  }

  #shape(schema: Schema, replaceNull: boolean): StructShape {
    const { transform } = this.#side
    requireStructSchema(schema, transform)
    const fields = schema.fields.flatMap((field) => {
      const name = this.#nameOf(field.name)
      return name === null ? [] : [keptField(field, replaceNull, name)]
    })
    return structShape(structOf(fields, basicsOf(schema), transform), fields, transform)
  }

  /** Returns the name of a field after the transform; null if it is dropped. */
  #nameOf(name: string): string | null {
    const { exclude, include, renames } = this.#selection
    if (exclude.has(name) || (include.size > 0 && !include.has(name))) return null
    return renames.get(name) ?? name
  }
}

/** Until Kafka 4.0, the older names of the settings apply if the newer ones are not set. */
function selected(config: ParsedConfig, raw: RawConfig, key: string, older: string): ReadonlySet<string> {
  return new Set(listOf(config, Object.hasOwn(raw, key) ? key : config[older] === null ? key : older))
}

const plugins = kafkaTransforms('ReplaceField', configDef, (side, config, raw) => {
  const selection = {
    exclude: selected(config, raw, 'exclude', 'blacklist'),
    include: selected(config, raw, 'include', 'whitelist'),
    renames: parseRenames(listOf(config, 'renames')),
  }
  return new ReplaceField(side, selection, replacesNull(config))
})

/** `org.apache.kafka.connect.transforms.ReplaceField$Key`. */
export const keyPlugin = plugins.key
/** `org.apache.kafka.connect.transforms.ReplaceField$Value`. */
export const valuePlugin = plugins.value
