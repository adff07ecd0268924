import { nonEmptyString, type ConfigDef } from 'penstock/api'

/** The settings of Kafka's FileStreamSource, with its texts. */
export const fileSourceConfig = {
  file: {
    type: 'STRING',
    defaultValue: null,
    importance: 'HIGH',
    doc: 'Source filename. If not specified, the standard input will be used',
  },
  topic: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The topic to publish data to',
    validator: nonEmptyString,
  },
  'batch.size': {
    type: 'INT',
    defaultValue: 2000,
    importance: 'LOW',
    doc: 'The maximum number of records the source task can read from the file each time it is polled',
  },
} as const satisfies ConfigDef
