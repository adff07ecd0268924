import {
  ConfigError,
  DataError,
  lastHeader,
  oneOfIgnoringCase,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type ParsedConfig,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { confluentTransform, confluentTransforms } from '../record/record-side.ts'
import { kindOf } from '../record/requirements.ts'
import { textOf } from '../record/setting.ts'
import { atPath, parseJsonPath, type JsonPath } from './json-path.ts'

const configDef = {
  field: {
    type: 'STRING',
    defaultValue: '',
    importance: 'MEDIUM',
    doc: 'The field, or the header, with the name of the topic. Without it, the key or value itself is the name. ExtractTopic$Header needs it.',
  },
  'field.format': {
    type: 'STRING',
    defaultValue: 'PLAIN',
    importance: 'MEDIUM',
    doc: 'How field is read: \'PLAIN\' is the name of a field; \'JSON_PATH\' is a path to one value, such as $["f1"]["f3"]. Headers are PLAIN.',
    validator: (key, value) => (value === '' ? null : oneOfIgnoringCase('PLAIN', 'JSON_PATH')(key, value)),
    recommended: ['PLAIN', 'JSON_PATH'],
  },
  'skip.missing.or.null': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'LOW',
    doc: 'Whether a record without the field, or with null in it, keeps its topic. Otherwise it is an error of the record.',
  },
} as const satisfies ConfigDef

/** Returns the name of the topic in a record; null if there is none. */
type Extract = (record: ConnectRecord) => { readonly kind: string; readonly name: ConnectValue }

/** Confluent's [ExtractTopic](https://docs.confluent.io/kafka-connectors/transforms/current/extracttopic.html). */
class ExtractTopic implements Transform {
  readonly #transform: string
  readonly #extract: Extract
  readonly #skips: boolean

  constructor(transform: string, extract: Extract, skips: boolean) {
    this.#transform = transform
    this.#extract = extract
    this.#skips = skips
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { kind, name } = this.#extract(record)
    if (name === null && this.#skips) return record
    if (typeof name !== 'string' || name === '') {
      const found = name === '' ? 'an empty string' : name === null ? 'null or nothing' : kindOf(null, name)
      throw new DataError(`${this.#transform}: ${kind} has to be the name of a topic, found ${found}`)
    }
    return { ...record, topic: name }
  }
}

function pathOf(config: ParsedConfig): JsonPath {
  const field = textOf(config, 'field') ?? ''
  if (field === '') return []
  return String(config['field.format']).toUpperCase() === 'JSON_PATH' ? parseJsonPath(field, 'field') : [field]
}

const skips = (config: ParsedConfig): boolean => config['skip.missing.or.null'] === true

const plugins = confluentTransforms('ExtractTopic', configDef, (side, config) => {
  const path = pathOf(config)
  const half = side.transform.endsWith('$Key') ? 'the key' : 'the value'
  const kind = path.length === 0 ? half : `"${textOf(config, 'field')}" of ${half}`
  const extract: Extract = (record) => ({ kind, name: atPath(side.schemaOf(record), side.valueOf(record), path) })
  return new ExtractTopic(side.transform, extract, skips(config))
})

/** `io.confluent.connect.transforms.ExtractTopic$Key`. */
export const keyPlugin = plugins.key
/** `io.confluent.connect.transforms.ExtractTopic$Value`. */
export const valuePlugin = plugins.value

/** `io.confluent.connect.transforms.ExtractTopic$Header`. */
export const headerPlugin: TransformPlugin = confluentTransform('ExtractTopic$Header', configDef, (config) => {
  const header = textOf(config, 'field') ?? ''
  if (header === '')
    throw new ConfigError('Invalid value  for configuration field: the name of a header is needed', { key: 'field' })
  if (String(config['field.format']).toUpperCase() === 'JSON_PATH') {
    throw new ConfigError('Invalid value JSON_PATH for configuration field.format: headers are PLAIN', {
      key: 'field.format',
    })
  }
  const kind = `the header "${header}"`
  const extract: Extract = ({ headers }) => ({ kind, name: lastHeader(headers, header)?.value ?? null })
  return new ExtractTopic('ExtractTopic$Header', extract, skips(config))
})
