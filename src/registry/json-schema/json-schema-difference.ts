/** What makes a JSON Schema unable to accept data of another one: Confluent's names. */
export interface JsonSchemaDifference {
  readonly type: string
  /** Where, from the root of what is compared. */
  readonly path: readonly string[]
}

/** What is changed, by the end of the type's name, and how Confluent's registry words it. */
const wordings: readonly (readonly [RegExp, (path: string, reader: string, writer: string) => string])[] = [
  [
    /^(?:REQUIRED|OPTIONAL)_PROPERTY_(?:WITH_DEFAULT_)?ADDED_TO_OPEN_CONTENT_MODEL$|^ITEM_ADDED_TO_OPEN/,
    (path, reader, writer) =>
      `The ${writer} schema has an open content model and has a property or item at path '${path}' which is missing in the ${reader} schema`,
  ],
  [
    /^REQUIRED_PROPERTY_ADDED_TO_UNOPEN/,
    (path, reader, writer) =>
      `The ${reader} schema has an unopen content model and has a required property at path '${path}' which is missing in the ${writer} schema`,
  ],
  [
    /REMOVED_FROM_CLOSED_CONTENT_MODEL$/,
    (path, reader, writer) =>
      `The ${reader} has a closed content model and is missing a property or item present at path '${path}' in the ${writer} schema`,
  ],
  [
    /REMOVED_NOT_COVERED/,
    (path, reader, writer) =>
      `A property or item is missing in the ${reader} schema but present at path '${path}' in the ${writer} schema and is not covered by its partially open content model`,
  ],
  [
    /ADDED_NOT_COVERED/,
    (path, reader, writer) =>
      `The ${reader} schema has a property or item at path '${path}' which is missing in the ${writer} schema and is not covered by its partially open content model`,
  ],
  [
    /^TYPE_|TYPE_CHANGED$|SUBSCHEMAS_CHANGED$/,
    (path, reader, writer) =>
      `A type at path '${path}' is different between the ${reader} schema and the ${writer} schema`,
  ],
  [
    /_(?:TYPE|ARRAY|PROPERTIES|ITEMS)_NARROWED$/,
    (path, reader, writer) =>
      `An array or combined type at path '${path}' has fewer elements in the ${reader} schema than the ${writer} schema`,
  ],
  [
    /_EXTENDED$/,
    (path, reader, writer) =>
      `An array or combined type at path '${path}' has more elements in the ${reader} schema than the ${writer} schema`,
  ],
  [
    /_INCREASED$/,
    (path, reader, writer) =>
      `The value at path '${path}' in the ${reader} schema is more than its value in the ${writer} schema`,
  ],
  [
    /_DECREASED$/,
    (path, reader, writer) =>
      `The value at path '${path}' in the ${reader} schema is less than its value in the ${writer} schema`,
  ],
  [
    /_ADDED$|_REMOVED$/,
    (path, reader, writer) =>
      `The keyword at path '${path}' in the ${reader} schema is not present in the ${writer} schema`,
  ],
]

/** The text of a difference, for responses. */
export function differenceText(
  { type, path }: JsonSchemaDifference,
  { reader, writer }: { readonly reader: string; readonly writer: string },
): string {
  const place = `#/${path.join('/')}`
  const wording = wordings.find(([pattern]) => pattern.test(type))?.[1]
  const description =
    wording?.(place, reader, writer) ??
    `The value at path '${place}' is different between the ${reader} and ${writer} schema`
  return `{errorType:"${type}", description:"${description}"}`
}
