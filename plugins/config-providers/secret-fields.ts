/** A parsed JSON object, in which numbers are as they were written. */
export type SecretObject = Readonly<Record<string, unknown>>

/** Node's JSON with source text access, which TypeScript's type definitions do not have. */
interface SourceJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
  rawJSON(text: string): unknown
}
const sourceJson = JSON as unknown as SourceJson

/** Returns the object that a text is in JSON; null when it is none. */
export function secretObject(text: string): SecretObject | null {
  try {
    return objectOf(
      sourceJson.parse(text, (_key, value, { source }) =>
        typeof value === 'number' && source !== undefined ? sourceJson.rawJSON(source) : value,
      ),
    )
  } catch {
    return null // A secret need not be JSON.
  }
}

/** Returns the value if it is a JSON object. */
export function objectOf(value: unknown): SecretObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as SecretObject) : null
}

/**
 * Returns the fields of a secret with these names, as texts: a text as it is, another value as its JSON, with all digits of
 * numbers. What is missing or null is left out.
 */
export function secretFields(secret: SecretObject, keys: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = Object.hasOwn(secret, key) ? (secret[key] ?? null) : null
      return value === null ? [] : [[key, typeof value === 'string' ? value : JSON.stringify(value)]]
    }),
  )
}
