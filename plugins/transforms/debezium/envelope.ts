import { DataError, fieldOf, type Field, type Schema, type TransformPlugin } from 'penstock/api'

import { perSchema } from '../record/struct-shape.ts'

/** Returns whether a schema is that of a change event: Debezium, too, looks at its name. */
export function isEnvelope(schema: Schema): boolean {
  return schema.type === 'STRUCT' && schema.name?.endsWith('.Envelope') === true
}

/** Returns a field of the schema of a change event. @throws DataError if there is none. */
export function memberField(schema: Schema, name: string, transform: string): Field {
  const field = fieldOf(schema, name)
  if (field === undefined) throw new DataError(`${transform}: the change event ${schema.name} has no field "${name}"`)
  return field
}

/** Returns the schema as optional and without a default. */
export const optionalForm: (schema: Schema) => Schema = perSchema((schema) => ({
  ...schema,
  optional: true,
  defaultValue: undefined,
}))

/** Describes one of Debezium's transforms, of the package `io.debezium.transforms`. */
export function debeziumTransform(
  name: string,
  configDef: TransformPlugin['configDef'],
  create: TransformPlugin['create'],
): TransformPlugin {
  const className = `io.debezium.transforms.${name}`
  return { kind: 'transformation', className, aliases: [], version: '3.2.3.Final', configDef, create }
}
