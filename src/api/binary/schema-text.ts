import { DataError } from '../errors.ts'

/** A schema as text, with those that it refers to, in the order in which they need each other. */
export interface SchemaText {
  readonly text: string
  readonly references: readonly { readonly name: string; readonly text: string }[]
}

/** Named types count wherever they are used: where each has the one before it twice, a few lines of text have billions. */
const maxParts = 100_000

/** @throws DataError if a schema has too many parts */
export function checkParts(count: number): void {
  if (count > maxParts)
    throw new DataError(`the schema has more than ${maxParts} parts, with those that it uses several times`, {
      code: 'SCHEMA_TOO_LARGE',
    })
}
