import {
  nonNull,
  parseHeaderText,
  type ConfigDef,
  type ConnectRecord,
  type Header,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { kafkaTransform } from '../record/record-side.ts'
import { textOf } from '../record/setting.ts'

const configDef = {
  header: { type: 'STRING', importance: 'HIGH', doc: 'The name of the header.', validator: nonNull },
  'value.literal': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The literal value that is to be set as the header value on all records.',
    validator: nonNull,
  },
} as const satisfies ConfigDef

/** Adds a header with a constant value, whose type is that of the literal. */
class InsertHeader implements Transform {
  readonly #header: Header

  constructor(header: Header) {
    this.#header = header
  }

  apply<R extends ConnectRecord>(record: R): R {
    return { ...record, headers: [...record.headers, this.#header] }
  }
}

/** `org.apache.kafka.connect.transforms.InsertHeader`. */
export const plugin: TransformPlugin = kafkaTransform(
  'InsertHeader',
  configDef,
  (config) =>
    new InsertHeader({
      key: textOf(config, 'header') ?? '',
      ...parseHeaderText(textOf(config, 'value.literal') ?? ''),
    }),
)
