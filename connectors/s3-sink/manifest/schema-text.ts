import { schemaToJson, type Field, type Schema } from 'penstock/api'

import type { ObjectPart } from '../../s3-store/object/object-name.ts'
import type { RecordView } from '../view/record-view.ts'

/** Connect's schema as JSON; null without one, and for one that contains itself. */
export function schemaText(schema: Schema | null): string | null {
  if (schema === null || containsItself(schema, new Set())) return null
  return schemaToJson(schema, { decimalFormat: 'BASE64', replaceNullWithDefault: true })
}

function containsItself({ fields, keySchema, valueSchema }: Schema, open: Set<readonly Field[]>): boolean {
  if (fields.length > 0 && open.has(fields)) return true
  open.add(fields)
  const inner = [...fields.map(({ schema }) => schema), keySchema, valueSchema]
  const found = inner.some((schema) => schema !== null && containsItself(schema, open))
  open.delete(fields)
  return found
}

/** The part of records that a view is. */
export function partOf({ infix }: RecordView): ObjectPart {
  if (infix === '.keys') return 'keys'
  return infix === '.headers' ? 'headers' : 'value'
}
