import type { ConnectValue, Field, Schema } from 'penstock/api'

/** How many changes a message names at most. */
const maxNamed = 8

/**
 * Names the fields by which a schema differs from an earlier one of its subject, for an error of the registry: its reasons are about
 * branches of unions and positions, and do not name the column. Empty if nothing differs that can be named.
 */
export function changedFields(earlier: Schema | null, schema: Schema | null): string {
  if (earlier === null || schema === null) return ''
  const changes: string[] = []
  compare(earlier, schema, '', changes)
  const more = changes.length > maxNamed ? ` and ${changes.length - maxNamed} more` : ''
  return changes.slice(0, maxNamed).join('; ') + more
}

function compare(earlier: Schema, schema: Schema, path: string, changes: string[]): void {
  const where = path === '' ? 'the value' : path
  if (earlier.type !== schema.type || earlier.name !== schema.name) {
    changes.push(`${where}: ${shown(earlier)} became ${shown(schema)}`)
    return
  }
  if (earlier.optional !== schema.optional) changes.push(`${where} became ${schema.optional ? 'optional' : 'required'}`)
  if (hasDefault(earlier) && !hasDefault(schema)) changes.push(`${where} lost its default`)
  if (schema.type === 'STRUCT') compareFields(earlier.fields, schema.fields, path, changes)
  if (earlier.keySchema !== null && schema.keySchema !== null)
    compare(earlier.keySchema, schema.keySchema, `${path}{key}`, changes)
  if (earlier.valueSchema !== null && schema.valueSchema !== null)
    compare(earlier.valueSchema, schema.valueSchema, `${path}[]`, changes)
}

function compareFields(earlier: readonly Field[], fields: readonly Field[], path: string, changes: string[]): void {
  const before = new Map(earlier.map((field) => [field.name, field.schema]))
  for (const { name, schema } of fields) {
    const at = path === '' ? name : `${path}.${name}`
    const known = before.get(name)
    before.delete(name)
    if (known !== undefined) compare(known, schema, at, changes)
    else changes.push(`${at} was added${schema.optional || hasDefault(schema) ? '' : ', without a default'}`)
  }
  for (const name of before.keys()) changes.push(`${path === '' ? name : `${path}.${name}`} was removed`)
}

/** The default null of an optional schema is none. */
function hasDefault({ defaultValue }: { readonly defaultValue: ConnectValue | undefined }): boolean {
  return defaultValue !== undefined && defaultValue !== null
}

function shown({ name, type }: Schema): string {
  return name === null ? type : `${name} (${type})`
}
