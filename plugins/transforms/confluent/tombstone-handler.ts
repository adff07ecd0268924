import {
  DataError,
  oneOfIgnoringCase,
  type ConfigDef,
  type ConnectRecord,
  type Transform,
  type TransformContext,
  type TransformPlugin,
} from 'penstock/api'

import { CountedLine } from '../record/counted-line.ts'
import { confluentTransform } from '../record/record-side.ts'

const configDef = {
  behavior: {
    type: 'STRING',
    defaultValue: 'warn',
    importance: 'MEDIUM',
    doc: "What happens to a record with a null value, with or without a schema: 'ignore' and 'warn' drop it, 'warn' with a line in the logs, 'fail' is an error of the record.",
    validator: oneOfIgnoringCase('ignore', 'warn', 'fail'),
    recommended: ['ignore', 'warn', 'fail'],
  },
} as const satisfies ConfigDef

/** Confluent's [TombstoneHandler](https://docs.confluent.io/kafka-connectors/transforms/current/tombstonehandler.html). */
class TombstoneHandler implements Transform {
  readonly #fails: boolean
  readonly #dropped: CountedLine | null

  constructor(behavior: string, context: TransformContext | undefined) {
    this.#fails = behavior === 'fail'
    this.#dropped = behavior === 'warn' ? new CountedLine(context) : null
  }

  apply<R extends ConnectRecord>(record: R): R | null {
    if (record.value !== null) return record
    if (this.#fails) throw new DataError(`TombstoneHandler: the record of topic ${record.topic} is a tombstone`)
    this.#dropped?.add(`TombstoneHandler drops a tombstone of topic ${record.topic} (behavior=warn)`)
    return null
  }
}

/** `io.confluent.connect.transforms.TombstoneHandler`. */
export const plugin: TransformPlugin = confluentTransform(
  'TombstoneHandler',
  configDef,
  (config, _raw, context) => new TombstoneHandler(String(config['behavior']).toLowerCase(), context),
)
