import type { Schema } from '../../api/schema.ts'
import type { AvroOptions } from '../avro-options.ts'

/** Returns whether a MAP is a map in Avro, whose keys are strings; otherwise it is an array of records with key and value. */
export function hasStringKeys({ keySchema }: Schema, { allowOptionalMapKeys }: AvroOptions): boolean {
  return keySchema !== null && keySchema.type === 'STRING' && (!keySchema.optional || allowOptionalMapKeys)
}
