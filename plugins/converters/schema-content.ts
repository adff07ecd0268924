import { errorMessage, parseJson, schemaFromJson, type ConfigValue, type Schema, type Validator } from 'penstock/api'

/**
 * Returns the schema that `schema.content` gives; null if it is missing, empty or the JSON `null`, as in Kafka's converter.
 * @throws SyntaxError if it is not JSON; DataError if it is no schema
 */
export function contentSchema(text: ConfigValue | undefined): Schema | null {
  if (typeof text !== 'string' || text === '') return null
  const json = parseJson(text)
  return json === null ? null : schemaFromJson(json)
}

/** Accepts the JSON text of a Connect schema, also where `schemas.enable=false` leaves it unused. */
export const validContent: Validator = Object.assign(
  (_key: string, text: ConfigValue): string | null => {
    try {
      contentSchema(text)
      return null
    } catch (error) {
      return `Failed to parse schema in converter config: ${errorMessage(error)}`
    }
  },
  { describe: 'the JSON text of a schema' },
)
