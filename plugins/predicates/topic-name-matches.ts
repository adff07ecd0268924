import {
  allOf,
  javaRegex,
  javaRegExp,
  nonEmptyString,
  nullOr,
  type ConfigDef,
  type PredicatePlugin,
} from 'penstock/api'

const configDef = {
  pattern: {
    type: 'STRING',
    importance: 'MEDIUM',
    doc: "A Java regular expression for matching against the name of a record's topic.",
    validator: nullOr(allOf(nonEmptyString, javaRegex)),
  },
} as const satisfies ConfigDef

/** `org.apache.kafka.connect.transforms.predicates.TopicNameMatches`: the whole topic name matches, as transforms before have changed it. */
export const plugin: PredicatePlugin = {
  kind: 'predicate',
  className: 'org.apache.kafka.connect.transforms.predicates.TopicNameMatches',
  aliases: [],
  version: '3.9.1',
  configDef,
  create(config) {
    const pattern = javaRegExp(String(config['pattern']), { whole: true })
    return { test: (record) => pattern.test(record.topic) }
  },
}
