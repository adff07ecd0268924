import { errorMessage, ConfigError, javaRegExp } from 'penstock/api'

export interface TableName {
  readonly schema: string
  readonly name: string
}

/** `schema.table`, as filters match it and messages show it. */
export function fullName(table: TableName): string {
  return `${table.schema}.${table.name}`
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

export function quoteTable(table: TableName): string {
  return `${quoteIdentifier(table.schema)}.${quoteIdentifier(table.name)}`
}

export function quoteLiteral(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** One pattern of a list option: a regular expression that matches the whole name, ignoring case. */
export interface NamePattern {
  readonly text: string
  readonly regex: RegExp
}

/** Splits at commas; `\,` is a comma inside a pattern. */
export function splitList(text: string): string[] {
  return text
    .split(/(?<!\\),/)
    .map((item) => item.trim().replaceAll('\\,', ','))
    .filter((item) => item !== '')
}

/** @throws ConfigError when an item is not a valid regular expression */
export function patterns(key: string, text: string | null): NamePattern[] {
  return splitList(text ?? '').map((item) => ({ text: item, regex: wholeName(item, `${key}: `) }))
}

/** Why a list of patterns is invalid; null when it is valid. */
export function patternProblem(text: string): string | null {
  try {
    for (const item of splitList(text)) wholeName(item, '')
    return null
  } catch (error) {
    return errorMessage(error)
  }
}

/** Debezium uses Java's regular expressions, which match the whole name and ignore case. */
function wholeName(pattern: string, where: string): RegExp {
  try {
    return javaRegExp(pattern, { whole: true, ignoreCase: true })
  } catch (error) {
    const reason = errorMessage(error)
    throw new ConfigError(`${where}"${pattern}" cannot be used. ${reason}`, { cause: error })
  }
}

/** Returns whether a pattern matches only one name. */
export function isLiteral(pattern: NamePattern): boolean {
  return !/[*+?()|[\]{}^$]|\\[dDwWsS]/.test(pattern.text)
}

export interface FilterLists {
  readonly schemaInclude: readonly NamePattern[]
  readonly schemaExclude: readonly NamePattern[]
  readonly tableInclude: readonly NamePattern[]
  readonly tableExclude: readonly NamePattern[]
  readonly columnInclude: readonly NamePattern[]
  readonly columnExclude: readonly NamePattern[]
  readonly ignoreBuiltin: boolean
}

const builtinSchemas = /^(?:pg_catalog|information_schema|pg_temp.*|pg_toast.*)$/

/** Selects the captured tables and columns. */
export class TableFilter {
  readonly #lists: FilterLists

  constructor(lists: FilterLists) {
    this.#lists = lists
  }

  /** Whether the options name tables or schemas. */
  get isNarrow(): boolean {
    return this.#lists.tableInclude.length > 0 || this.#lists.schemaInclude.length > 0
  }

  get tableInclude(): readonly NamePattern[] {
    return this.#lists.tableInclude
  }

  includesTable(table: TableName): boolean {
    const lists = this.#lists
    if (lists.ignoreBuiltin && (builtinSchemas.test(table.schema) || table.name === 'spatial_ref_sys')) return false
    if (lists.schemaInclude.length > 0 && !matches(lists.schemaInclude, table.schema)) return false
    if (matches(lists.schemaExclude, table.schema)) return false
    const name = fullName(table)
    if (lists.tableInclude.length > 0) return matches(lists.tableInclude, name)
    return !matches(lists.tableExclude, name)
  }

  includesColumn(table: TableName, column: string): boolean {
    const lists = this.#lists
    if (lists.columnInclude.length === 0 && lists.columnExclude.length === 0) return true
    const name = `${fullName(table)}.${column}`
    if (lists.columnInclude.length > 0) return matches(lists.columnInclude, name)
    return !matches(lists.columnExclude, name)
  }

  /** Sorts tables by the position of the pattern that matches them, then by name: the order of the snapshot. */
  order<T extends TableName>(tables: readonly T[]): T[] {
    const position = (table: T): number =>
      this.#lists.tableInclude.findIndex((pattern) => pattern.regex.test(fullName(table)))
    return [...tables].sort((a, b) => position(a) - position(b) || compare(fullName(a), fullName(b)))
  }
}

function matches(list: readonly NamePattern[], name: string): boolean {
  return list.some((pattern) => pattern.regex.test(name))
}

/** By UTF-16 code units, as Java compares strings. */
function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}

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
