/** What makes a schema unable to read data of another one: Confluent's names. */
export type DifferenceType =
  | 'PACKAGE_CHANGED'
  | 'MESSAGE_REMOVED'
  | 'FIELD_KIND_CHANGED'
  | 'FIELD_SCALAR_KIND_CHANGED'
  | 'FIELD_NAMED_TYPE_CHANGED'
  | 'FIELD_NUMERIC_LABEL_CHANGED'
  | 'REQUIRED_FIELD_ADDED'
  | 'REQUIRED_FIELD_REMOVED'
  | 'ONEOF_FIELD_REMOVED'
  | 'MULTIPLE_FIELDS_MOVED_TO_ONEOF'
  | 'FIELD_MOVED_TO_EXISTING_ONEOF'

export interface ProtobufDifference {
  readonly type: DifferenceType
  /** Messages, a oneof, and the number of a field, from the file. */
  readonly path: readonly (string | number)[]
}

type Wording = (path: string, reader: string, writer: string) => string

const wordings: Readonly<Record<DifferenceType, Wording>> = {
  PACKAGE_CHANGED: (path, reader, writer) =>
    `The package at '${path}' in the ${reader} schema does not match the package in the ${writer} schema`,
  MESSAGE_REMOVED: (path, reader, writer) =>
    `The ${reader} schema is missing a MESSAGE type at path '${path}' in the ${writer} schema`,
  FIELD_KIND_CHANGED: (path, reader, writer) =>
    `The type of a field at path '${path}' in the ${reader} schema does not match the ${writer} schema`,
  FIELD_SCALAR_KIND_CHANGED: (path, reader, writer) =>
    `The kind of a SCALAR field at path '${path}' in the ${reader} schema does not match its kind in the ${writer} schema`,
  FIELD_NAMED_TYPE_CHANGED: (path, reader, writer) =>
    `The type of a MESSAGE field at path '${path}' in the ${reader} schema does not match its type in the ${writer} schema`,
  FIELD_NUMERIC_LABEL_CHANGED: (path, reader, writer) =>
    `The label for a NUMERIC field at path '${path}' in the ${reader} schema does not match its label in the ${writer} schema`,
  // With two blanks, as in Confluent's.
  REQUIRED_FIELD_ADDED: (path, reader, writer) =>
    `A required field  at path '${path}' in the ${reader} schema is missing in the ${writer} schema`,
  REQUIRED_FIELD_REMOVED: (path, reader, writer) =>
    `The ${reader} schema is missing a required field at path: '${path}' in the ${writer} schema`,
  ONEOF_FIELD_REMOVED: (path, reader, writer) =>
    `The ${reader} schema is missing a oneof field at path '${path}' in the ${writer} schema`,
  MULTIPLE_FIELDS_MOVED_TO_ONEOF: (path, reader, writer) =>
    `Multiple fields in the oneof at path '${path}' in the ${reader} schema are outside a oneof in the ${writer} schema`,
  FIELD_MOVED_TO_EXISTING_ONEOF: (path, reader, writer) =>
    `A field in the oneof at path '${path}' in the ${reader} schema is outside an existing oneof in the ${writer} schema`,
}

/** The text of a difference, for responses: that of Confluent's registry. */
export function differenceText(
  { type, path }: ProtobufDifference,
  { reader, writer }: { readonly reader: string; readonly writer: string },
): string {
  return `{errorType:"${type}", description:"${wordings[type](`#/${path.join('/')}`, reader, writer)}"}`
}
