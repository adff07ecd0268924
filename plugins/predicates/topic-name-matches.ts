import type { ConfigDef, PredicatePlugin } from 'penstock/api'

const configDef = {
  pattern: {
    type: 'STRING',
    importance: 'MEDIUM',
    doc: "A Java regular expression for matching against the name of a record's topic.",
    validator: (_key, value) => patternProblem(value),
  },
} as const satisfies ConfigDef

function patternProblem(value: unknown): string | null {
  if (typeof value !== 'string') return null
  if (value === '') return 'String must be non-empty'
  try {
    wholeMatch(value)
    return null
  } catch (error) {
    return `Invalid regex: ${error instanceof Error ? error.message : String(error)}`
  }
}

function wholeMatch(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, 's')
}

/** `org.apache.kafka.connect.transforms.predicates.TopicNameMatches`: the topic as it is at this point matches as a whole. */
export const plugin: PredicatePlugin = {
  kind: 'predicate',
  className: 'org.apache.kafka.connect.transforms.predicates.TopicNameMatches',
  aliases: [],
  version: '3.9.1',
  configDef,
  create(config) {
    const pattern = wholeMatch(String(config['pattern']))
    return { test: (record) => pattern.test(record.topic) }
  },
}
