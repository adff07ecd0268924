import { Logical, type Field, type JsonValue, type Schema } from 'penstock/api'

import { enumParameter, isUnionSchema, Names } from './names.ts'
import type { SchemaDocuments, SchemaNode } from './schema-documents.ts'
import { childOf, pieceOf, propertiesOf, requiredOf, type Piece, type Shape } from './schema-shape.ts'

const jsonTypes = {
  BOOLEAN: ['boolean'],
  STRING: ['string'],
  BYTES: ['string'],
  INT8: ['integer', 'number'],
  INT16: ['integer', 'number'],
  INT32: ['integer', 'number'],
  INT64: ['integer', 'number'],
  FLOAT32: ['number'],
  FLOAT64: ['number'],
} as const

/** Returns why a JSON Schema does not accept all values of a Connect schema, as the end of a sentence; null if it does. */
export function whyRefused(schema: Schema, documents: SchemaDocuments): string | null {
  return new Acceptance(documents).refusal(schema, pieceOf(documents.root), '')
}

class Acceptance {
  readonly #documents: SchemaDocuments
  /** Results for pairs. As long as one is being compared, it counts as accepted: what contains itself is if all else is. */
  readonly #results = new Map<readonly Field[], Map<SchemaNode['json'], string | null>>()

  constructor(documents: SchemaDocuments) {
    this.#documents = documents
  }

  refusal(schema: Schema, piece: Piece, path: string): string | null {
    if (schema.optional && !this.#allowsNull(piece)) return `${named(path)} may be null`
    return this.#refusalOfPresent(schema, piece, path)
  }

  #allowsNull({ node, shape }: Piece): boolean {
    switch (shape.kind) {
      case 'anything':
        return true
      case 'nothing':
        return false
      case 'reference':
        return this.#allowsNull(pieceOf(this.#documents.resolve(node, shape.to)))
      case 'enum':
        return shape.values.includes(null)
      case 'typed':
        return shape.type === 'null'
      case 'combined':
        return shape.criterion === 'all'
          ? shape.branches.every((branch) => this.#allowsNull(branch))
          : shape.branches.some((branch) => this.#allowsNull(branch))
    }
  }

  #refusalOfPresent(schema: Schema, piece: Piece, path: string): string | null {
    if (isUnionSchema(schema)) {
      for (const field of schema.fields) {
        const refusal = this.#refusalOfPresent(field.schema, piece, path)
        if (refusal !== null) return refusal
      }
      return null
    }
    const { node, shape } = piece
    switch (shape.kind) {
      case 'anything':
        return null
      case 'nothing':
        return `${named(path)} may have no value`
      case 'reference':
        return this.#refusalOfPresent(schema, pieceOf(this.#documents.resolve(node, shape.to)), path)
      case 'enum':
        return refusalOfSymbols(schema, shape.values, path)
      case 'typed':
        return this.#refusalOfType(schema, piece, shape.type, path)
      case 'combined':
        return this.#refusalOfBranches(schema, shape, path)
    }
  }

  #refusalOfBranches(schema: Schema, shape: Shape & { kind: 'combined' }, path: string): string | null {
    const refusals = shape.branches.map((branch) => this.#refusalOfPresent(schema, branch, path))
    const found = refusals.filter((refusal) => refusal !== null)
    if (shape.criterion === 'all') return found[0] ?? null
    return found.length < refusals.length ? null : (found.at(-1) ?? `${named(path)} may have no value`)
  }

  #refusalOfType(schema: Schema, { node, attributes }: Piece, type: string, path: string): string | null {
    const refused = `${named(path)} is ${schema.type}, not of the type ${type}`
    switch (schema.type) {
      case 'STRUCT':
        return type === 'object' ? this.#refusalOfStruct(schema, node, path) : refused
      case 'ARRAY':
        return type === 'array' ? this.#refusalOfPart(schema.valueSchema, node, 'items', `${path}[]`) : refused
      case 'MAP':
        if (schema.keySchema?.type === 'STRING' && !schema.keySchema.optional)
          return type === 'object'
            ? this.#refusalOfPart(schema.valueSchema, node, 'additionalProperties', `${path}{}`)
            : refused
        return type === 'array' ? null : refused
      case 'BYTES':
        // A Decimal is of the type number also where it is written as text, as Confluent's converter has it.
        if (schema.name === Logical.decimal && type === 'number' && attributes[Names.type] === 'bytes') return null
        return type === 'string' ? null : refused
      default:
        return (jsonTypes[schema.type] as readonly string[]).includes(type) ? null : refused
    }
  }

  #refusalOfPart(schema: Schema | null, node: SchemaNode, keyword: string, path: string): string | null {
    const json = typeof node.json === 'boolean' ? undefined : node.json[keyword]
    if (json === undefined || Array.isArray(json) || schema === null) return null
    return this.refusal(schema, pieceOf(childOf(node, json, keyword)), path)
  }

  #refusalOfStruct(schema: Schema, node: SchemaNode, path: string): string | null {
    const results = this.#results.get(schema.fields) ?? new Map<SchemaNode['json'], string | null>()
    const known = results.get(node.json)
    if (known !== undefined) return known
    this.#results.set(schema.fields, results.set(node.json, null))
    const refusal = this.#refusalOfFields(schema, node, path)
    results.set(node.json, refusal)
    return refusal
  }

  #refusalOfFields(schema: Schema, node: SchemaNode, path: string): string | null {
    const properties = new Map(propertiesOf(node))
    for (const name of requiredOf(node))
      if (!schema.fields.some((field) => field.name === name)) return `${named(nested(path, name))} is missing`
    for (const field of schema.fields) {
      const inner = nested(path, field.name)
      const property = properties.get(field.name)
      const refusal =
        property === undefined
          ? this.#refusalOfPart(field.schema, node, 'additionalProperties', inner)
          : this.refusal(field.schema, pieceOf(property), inner)
      if (refusal !== null) return refusal
    }
    return null
  }
}

function refusalOfSymbols(schema: Schema, values: readonly JsonValue[], path: string): string | null {
  const parameter = enumParameter(schema, false)
  if (parameter === null) return `${named(path)} is ${schema.type}, not an enum`
  const symbols = Object.keys(schema.parameters ?? {}).flatMap((key) =>
    key.startsWith(`${parameter}.`) ? [key.slice(parameter.length + 1)] : [],
  )
  const added = symbols.find((symbol) => !values.includes(symbol === Names.nullSymbol ? null : symbol))
  return added === undefined ? null : `${named(path)} may be "${added}"`
}

function nested(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function named(path: string): string {
  return path === '' ? 'the value' : `"${path}"`
}
