import {
  DataError,
  oneOfIgnoringCase,
  withOptions,
  type ConfigDef,
  type ConnectRecord,
  type Schema,
  type Transform,
} from 'penstock/api'

import { confluentTransforms, type Side } from '../record/record-side.ts'
import { perSchema } from '../record/struct-shape.ts'

const configDef = {
  'schema.behavior': {
    type: 'STRING',
    defaultValue: 'nullify',
    importance: 'MEDIUM',
    doc: "What happens to the schema: 'nullify' drops it, 'retain' keeps it, 'validate' keeps it and is an error of the record if it is not optional, 'force_optional' makes it optional.",
    validator: oneOfIgnoringCase('nullify', 'retain', 'validate', 'force_optional'),
    recommended: ['nullify', 'retain', 'validate', 'force_optional'],
  },
} as const satisfies ConfigDef

const forced = perSchema((schema) => (schema.optional ? schema : withOptions(schema, { optional: true })))

/** Confluent's [Drop](https://docs.confluent.io/kafka-connectors/transforms/current/drop.html): sets the key or the value to null. */
class Drop implements Transform {
  readonly #side: Side
  readonly #behavior: string

  constructor(side: Side, behavior: string) {
    this.#side = side
    this.#behavior = behavior
  }

  apply<R extends ConnectRecord>(record: R): R {
    const schema = this.#side.schemaOf(record)
    return this.#side.with(record, schema === null ? null : this.#schema(schema), null)
  }

  #schema(schema: Schema): Schema | null {
    if (this.#behavior === 'nullify') return null
    if (this.#behavior === 'force_optional') return forced(schema)
    if (this.#behavior === 'validate' && !schema.optional) {
      throw new DataError(`${this.#side.transform}: the schema ${schema.name ?? schema.type} is not optional`)
    }
    return schema
  }
}

const plugins = confluentTransforms('Drop', configDef, (side, config) => {
  return new Drop(side, String(config['schema.behavior']).toLowerCase())
})

/** `io.confluent.connect.transforms.Drop$Key`. */
export const keyPlugin = plugins.key
/** `io.confluent.connect.transforms.Drop$Value`. */
export const valuePlugin = plugins.value
