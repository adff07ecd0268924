import {
  DataError,
  oneOfIgnoringCase,
  type ConfigDef,
  type ConnectRecord,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { confluentTransform } from '../record/record-side.ts'

const configDef = {
  behavior: {
    type: 'STRING',
    defaultValue: 'warn',
    importance: 'MEDIUM',
    doc: "What happens to a record with a null value, with or without a schema: 'ignore' and 'warn' drop it, 'fail' is an error of the record.",
    validator: oneOfIgnoringCase('ignore', 'warn', 'fail'),
    recommended: ['ignore', 'warn', 'fail'],
  },
} as const satisfies ConfigDef

/** Confluent's [TombstoneHandler](https://docs.confluent.io/kafka-connectors/transforms/current/tombstonehandler.html). */
class TombstoneHandler implements Transform {
  readonly #fails: boolean

  constructor(fails: boolean) {
    this.#fails = fails
  }

  apply<R extends ConnectRecord>(record: R): R | null {
    if (record.value !== null) return record
    if (this.#fails) throw new DataError(`TombstoneHandler: the record of topic ${record.topic} is a tombstone`)
    return null
  }
}

/** `io.confluent.connect.transforms.TombstoneHandler`. */
export const plugin: TransformPlugin = confluentTransform(
  'TombstoneHandler',
  configDef,
  (config) => new TombstoneHandler(String(config['behavior']).toLowerCase() === 'fail'),
)
