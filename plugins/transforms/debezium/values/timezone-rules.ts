import { ConfigError } from 'penstock/api'

/** The columns of a table or topic that are converted, or not. Without columns, all are meant. */
export interface ZoneRules {
  readonly topics: ReadonlyMap<string, ReadonlySet<string>>
  readonly tables: ReadonlyMap<string, ReadonlySet<string>>
  /** Names of either. */
  readonly names: ReadonlyMap<string, ReadonlySet<string>>
}

const words = '[".A-Za-z0-9_ \\t\\n\\v\\f\\r]+'
const list = new RegExp(`^\\[(?:source|topic|${words}):(?:${words}(?::${words})?(?:,|\\]$))+$`)

/**
 * Parses rules: `source:table`, `source:table:column`, `topic:name`, `topic:name:column` and `name:column`. As in Debezium, the
 * prefix of the first rule also counts for those that follow.
 * @throws ConfigError if one is malformed.
 */
export function zoneRules(items: readonly string[], which: 'include' | 'exclude'): ZoneRules {
  if (items.length > 0 && !list.test(`[${items.join(', ')}]`)) {
    throw new ConfigError(
      `Invalid ${which} list format. Please specify a list of rules in the format of "source:<tablename>:<fieldnames>", "topic:<topicname>:<fieldnames>", "<matchname>:<fieldnames>"`,
      { key: `${which}.list` },
    )
  }
  const rules = {
    topics: new Map<string, Set<string>>(),
    tables: new Map<string, Set<string>>(),
    names: new Map<string, Set<string>>(),
  }
  let prefix: string | null = null
  for (const item of items) {
    const rule = parsedRule(item)
    prefix = rule.prefix ?? prefix
    const group = prefix === 'topic' ? rules.topics : prefix === 'source' ? rules.tables : rules.names
    const columns = group.get(rule.name) ?? new Set<string>()
    if (rule.column !== null) columns.add(rule.column)
    group.set(rule.name, columns)
  }
  return rules
}

function parsedRule(item: string): {
  readonly prefix: string | null
  readonly name: string
  readonly column: string | null
} {
  const [first = '', second, third] = item.split(':')
  if (second === undefined) return { prefix: null, name: first, column: null }
  const hasPrefix = ['source', 'topic'].includes(first.toLowerCase())
  return hasPrefix
    ? { prefix: first, name: second, column: third ?? null }
    : { prefix: null, name: first, column: second }
}

/** Returns the columns that the rules name for a record; null if no rule is for it. */
export function columnsFor(rules: ZoneRules, topic: string, table: string | null): ReadonlySet<string> | null {
  const ofTable = (group: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> | undefined =>
    table === null ? undefined : group.get(table)
  return rules.topics.get(topic) ?? ofTable(rules.tables) ?? rules.names.get(topic) ?? ofTable(rules.names) ?? null
}
