import { nonEmptyString, type ConfigDef, type PredicatePlugin } from 'penstock/api'

const configDef = {
  name: { type: 'STRING', importance: 'MEDIUM', doc: 'The header name.', validator: nonEmptyString },
} as const satisfies ConfigDef

/** `org.apache.kafka.connect.transforms.predicates.HasHeaderKey`: the record has a header of that name. */
export const plugin: PredicatePlugin = {
  kind: 'predicate',
  className: 'org.apache.kafka.connect.transforms.predicates.HasHeaderKey',
  aliases: [],
  version: '3.9.1',
  configDef,
  create(config) {
    const name = String(config['name'])
    return { test: (record) => record.headers.some((header) => header.key === name) }
  },
}
