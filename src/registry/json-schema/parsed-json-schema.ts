import { jsonSchemaDifferences } from './json-schema-comparison.ts'
import { differenceText } from './json-schema-difference.ts'
import { JsonSchemaDocument, JsonSchemaError } from './json-schema-shape.ts'
import { isObject, jsonText, sorted, type JsonNode } from '../json/json-node.ts'
import { JsonError, parseJson } from '../json/parse-json.ts'
import type { ParsedSchema, ReadingNames, SchemaSource } from '../schemas/parsed-schema.ts'
import { sortedReferences, type SchemaReference } from '../state/registry-schema.ts'

/** A JSON Schema of a subject. */
export class ParsedJsonSchema implements ParsedSchema {
  readonly schemaType = 'JSON'
  readonly references: readonly SchemaReference[]
  readonly #node: JsonNode
  readonly #others: ReadonlyMap<string, JsonSchemaDocument>
  readonly #document: JsonSchemaDocument
  #text: string | null = null
  #identity: string | null = null

  private constructor(
    node: JsonNode,
    references: readonly SchemaReference[],
    others: ReadonlyMap<string, JsonSchemaDocument>,
  ) {
    this.#node = node
    this.references = references
    this.#others = others
    this.#document = new JsonSchemaDocument(node, others)
  }

  /** @throws JsonError */
  static parse({ schema, references, resolved }: SchemaSource): ParsedJsonSchema {
    const node = parseJson(schema)
    if (!isObject(node) && typeof node !== 'boolean') throw new JsonError('a JSON Schema is an object, true or false')
    const others = new Map<string, JsonSchemaDocument>()
    for (const reference of resolved)
      others.set(reference.name, new JsonSchemaDocument(parseJson(reference.schema), others))
    return new ParsedJsonSchema(node, references, others)
  }

  get text(): string {
    this.#text ??= jsonText(this.#node)
    return this.#text
  }

  get identity(): string {
    this.#identity ??= jsonText(sorted(this.#node))
    return this.#identity
  }

  normalized(): ParsedJsonSchema {
    return new ParsedJsonSchema(sorted(this.#node), sortedReferences(this.references), this.#others)
  }

  formatted(): string {
    return this.text
  }

  readingProblems(writer: ParsedSchema, names: ReadingNames): readonly string[] {
    if (!(writer instanceof ParsedJsonSchema)) throw new TypeError('the schemas are of different types')
    try {
      const differences = jsonSchemaDifferences(writer.#document.root, this.#document.root)
      return differences.map((difference) => differenceText(difference, names))
    } catch (error) {
      if (!(error instanceof JsonSchemaError)) throw error
      return [`The schemas cannot be compared: ${error.message}`]
    }
  }
}
