import {
  ConfigError,
  fieldOf,
  isArray,
  oneOf,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type ParsedConfig,
  type Schema,
  type Transform,
} from 'penstock/api'

import { withConverted } from '../record/plain-map.ts'
import { kafkaTransforms, type Side } from '../record/record-side.ts'
import { requireMap, requireStruct, requireStructSchema } from '../record/requirements.ts'
import { replaceNullWithDefault, replacesNull, textOf } from '../record/setting.ts'
import { basicsOf, keptField, perSchema, structOf, structShape, type StructShape } from '../record/struct-shape.ts'
import {
  formOf,
  formSchema,
  plainFormOf,
  readTimestamp,
  textFormat,
  timestampForms,
  unixPrecisions,
  writeTimestamp,
  type TextFormat,
  type TimestampForm,
  type UnixPrecision,
} from './timestamp-forms.ts'

const configDef = {
  field: {
    type: 'STRING',
    defaultValue: '',
    importance: 'HIGH',
    doc: 'The field containing the timestamp, or empty if the entire value is a timestamp',
  },
  'target.type': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The desired timestamp representation: string, unix, Date, Time, or Timestamp',
    validator: oneOf(...timestampForms),
  },
  format: {
    type: 'STRING',
    defaultValue: '',
    importance: 'MEDIUM',
    doc: 'A SimpleDateFormat-compatible format for the timestamp. Used to generate the output when type=string or used to parse the input if the input is a string.',
  },
  'unix.precision': {
    type: 'STRING',
    defaultValue: 'milliseconds',
    importance: 'LOW',
    doc: 'The desired Unix precision for the timestamp: seconds, milliseconds, microseconds, or nanoseconds. Used to generate the output when type=unix or used to parse the input if the input is a Long.Note: This SMT will cause precision loss during conversions from, and to, values with sub-millisecond components.',
    validator: oneOf(...unixPrecisions),
  },
  'replace.null.with.default': replaceNullWithDefault,
} as const satisfies ConfigDef

interface TimestampSettings {
  readonly field: string
  readonly target: TimestampForm
  readonly format: TextFormat | null
  readonly precision: UnixPrecision
  readonly replaceNull: boolean
}

/** The converted whole value, or the struct with a converted field. */
interface Conversion {
  readonly schema: Schema
  convert(value: ConnectValue): ConnectValue
}

/** Converts a timestamp, the whole value or a field, to another form. Null stays null. */
class TimestampConverter implements Transform {
  readonly #side: Side
  readonly #settings: TimestampSettings
  readonly #what: string
  /** The conversion of a field of values without schemas. */
  readonly #plainField: ReadonlyMap<string, (value: ConnectValue) => ConnectValue>
  readonly #conversionOf: (schema: Schema) => Conversion

  constructor(side: Side, settings: TimestampSettings) {
    this.#side = side
    this.#settings = settings
    this.#what = settings.field === '' ? side.transform : `${side.transform}: field "${settings.field}"`
    this.#plainField = new Map([[settings.field, (value) => this.#convertPlain(value)]])
    this.#conversionOf = perSchema((schema) => (settings.field === '' ? this.#whole(schema) : this.#struct(schema)))
  }

  apply<R extends ConnectRecord>(record: R): R {
    const value = this.#side.valueOf(record)
    const schema = this.#side.schemaOf(record)
    if (schema === null) return this.#side.with(record, null, value === null ? null : this.#plain(value))
    const conversion = this.#conversionOf(schema)
    return this.#side.with(record, conversion.schema, value === null ? null : conversion.convert(value))
  }

  #plain(value: ConnectValue): ConnectValue {
    if (this.#settings.field === '') return this.#convertPlain(value)
    return withConverted(requireMap(value, this.#side.transform), this.#plainField)
  }

  #convertPlain(value: ConnectValue): ConnectValue {
    return this.#convert(value, plainFormOf(value, this.#what), true)
  }

  #convert(value: ConnectValue, form: TimestampForm, plain: boolean): ConnectValue {
    const { precision, format, target } = this.#settings
    const ms = readTimestamp(value, form, { precision, format, what: this.#what })
    return writeTimestamp(ms, target, { precision, format, plain })
  }

  #whole(schema: Schema): Conversion {
    const form = formOf(schema, this.#what)
    return {
      schema: formSchema(this.#settings.target, schema.optional),
      convert: (value) => this.#convert(value, form, false),
    }
  }

  #struct(schema: Schema): Conversion {
    const { transform } = this.#side
    requireStructSchema(schema, transform)
    const shape = this.#shape(schema)
    const target = fieldOf(schema, this.#settings.field)
    const convert = (value: ConnectValue): ConnectValue => {
      // A field of a wrong type is an error also if it is null.
      if (target !== undefined) formOf(target.schema, this.#what)
      return shape.row(requireStruct(schema, value, transform))
    }
    const defaultValue = schema.defaultValue ?? null
    const withDefault = isArray(defaultValue) ? { ...shape.schema, defaultValue: convert(defaultValue) } : shape.schema
    return { schema: withDefault, convert }
  }

  #shape(schema: Schema): StructShape {
    const { field: name, target, replaceNull } = this.#settings
    const { transform } = this.#side
    const fields = schema.fields.map((field) => {
      const kept = keptField(field, replaceNull)
      if (field.name !== name) return kept
      const convert = (value: ConnectValue): ConnectValue =>
        this.#convert(value, formOf(field.schema, this.#what), false)
      return { ...kept, schema: formSchema(target, field.schema.optional), convert }
    })
    return structShape(
      structOf(fields, { ...basicsOf(schema), optional: schema.optional }, transform),
      fields,
      transform,
    )
  }
}

function settingsOf(config: ParsedConfig): TimestampSettings {
  const target = timestampForms.find((form) => form === config['target.type']) ?? 'string'
  const pattern = textOf(config, 'format') ?? ''
  if (target === 'string' && pattern.trim() === '') {
    throw new ConfigError('TimestampConverter requires format option to be specified when using string timestamps', {
      key: 'format',
    })
  }
  return {
    field: textOf(config, 'field') ?? '',
    target,
    format: pattern.trim() === '' ? null : textFormat(pattern),
    precision: unixPrecisions.find((precision) => precision === config['unix.precision']) ?? 'milliseconds',
    replaceNull: replacesNull(config),
  }
}

const plugins = kafkaTransforms(
  'TimestampConverter',
  configDef,
  (side, config) => new TimestampConverter(side, settingsOf(config)),
)

/** `org.apache.kafka.connect.transforms.TimestampConverter$Key`. */
export const keyPlugin = plugins.key
/** `org.apache.kafka.connect.transforms.TimestampConverter$Value`. */
export const valuePlugin = plugins.value
