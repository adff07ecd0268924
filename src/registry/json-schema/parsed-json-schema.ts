import { sortedReferences } from '../avro/parsed-avro.ts'
import { isObject, jsonText, sorted, type JsonNode } from '../json/json-node.ts'
import { JsonError, parseJson } from '../json/parse-json.ts'
import { registryErrors } from '../registry-error.ts'
import type { ParsedSchema, SchemaSource } from '../schemas/parsed-schema.ts'
import type { SchemaReference } from '../state/registry-schema.ts'

/** A JSON Schema of a subject. */
export class ParsedJsonSchema implements ParsedSchema {
  readonly schemaType = 'JSON'
  readonly references: readonly SchemaReference[]
  readonly #node: JsonNode

  private constructor(node: JsonNode, references: readonly SchemaReference[]) {
    this.#node = node
    this.references = references
  }

  /** @throws JsonError */
  static parse({ schema, references }: SchemaSource): ParsedJsonSchema {
    const node = parseJson(schema)
    if (!isObject(node) && typeof node !== 'boolean') throw new JsonError('a JSON Schema is an object, true or false')
    return new ParsedJsonSchema(node, references)
  }

  get text(): string {
    return jsonText(this.#node)
  }

  get identity(): string {
    return jsonText(sorted(this.#node))
  }

  normalized(): ParsedJsonSchema {
    return new ParsedJsonSchema(sorted(this.#node), sortedReferences(this.references))
  }

  formatted(): string {
    return this.text
  }

  readingProblems(): never {
    throw registryErrors.invalidLevel(
      'This registry does not compare JSON Schemas. Set the compatibility level NONE for the subject: PUT /config/{subject} with {"compatibility":"NONE"}',
    )
  }
}
