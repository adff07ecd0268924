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
