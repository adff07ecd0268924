import { ConfigError } from 'penstock/api'
import { splitList, wholeName } from './name-pattern.ts'
import { fullName, type TableName } from './sql-text.ts'

/** A rule of `message.key.columns`: the key columns of the matching tables. */
export interface KeyColumnRule {
  readonly table: RegExp
  readonly columns: readonly string[]
}

/** @throws ConfigError when a rule does not have the form `schema.table:column,column` */
export function keyColumnRules(text: string | null): KeyColumnRule[] {
  const rules = (text ?? '')
    .split(';')
    .map((rule) => rule.trim())
    .filter((rule) => rule !== '')
  return rules.map((rule) => {
    const colon = rule.lastIndexOf(':')
    const columns = splitList(rule.slice(colon + 1))
    if (colon <= 0 || columns.length === 0) {
      throw new ConfigError(`message.key.columns: "${rule}" does not have the form schema.table:column,column`)
    }
    return { table: wholeName(rule.slice(0, colon).trim(), 'message.key.columns: '), columns }
  })
}

/** The key columns that the rules name for a table; null when no rule matches. */
export function customKey(rules: readonly KeyColumnRule[], table: TableName): string[] | null {
  const found = rules.filter((rule) => rule.table.test(fullName(table))).flatMap((rule) => rule.columns)
  return found.length === 0 ? null : [...new Set(found)]
}
