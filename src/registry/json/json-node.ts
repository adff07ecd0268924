import { javaDoubleText } from '../../api/java/java-number.ts'
import { upperCaseEscapes } from '../../api/json/json-text.ts'

/** A JSON number, as it was written: a schema may have numbers that a double cannot hold. */
export class JsonNumber {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  get isInteger(): boolean {
    return /^-?\d+$/.test(this.text)
  }
}

/** A JSON value whose objects keep the order of their keys, whatever the keys are. */
export type JsonNode = null | boolean | string | JsonNumber | readonly JsonNode[] | JsonObject
export type JsonObject = ReadonlyMap<string, JsonNode>

export function isObject(node: JsonNode | undefined): node is JsonObject {
  return node instanceof Map
}

export function isArray(node: JsonNode | undefined): node is readonly JsonNode[] {
  return Array.isArray(node)
}

/** The field's text; null when there is none, or when it is something else. */
export function textOf(object: JsonObject, key: string): string | null {
  const value = object.get(key)
  return typeof value === 'string' ? value : null
}

/** The compact text of a node, as Jackson writes it. */
export function jsonText(node: JsonNode): string {
  if (node === null || typeof node === 'boolean') return String(node)
  if (typeof node === 'string') return stringText(node)
  if (node instanceof JsonNumber) return numberText(node)
  if (isArray(node)) return `[${node.map(jsonText).join(',')}]`
  return objectText([...node].map(([key, value]) => [key, jsonText(value)]))
}

/** The text of an object whose values are JSON texts. */
export function objectText(entries: readonly (readonly [string, string])[]): string {
  return `{${entries.map(([key, text]) => `${stringText(key)}:${text}`).join(',')}}`
}

export function stringText(text: string): string {
  return upperCaseEscapes(JSON.stringify(text))
}

function numberText(number: JsonNumber): string {
  if (number.isInteger) return number.text
  const value = Number(number.text)
  // JSON has no number for it: Jackson writes a text.
  return Number.isFinite(value) ? javaDoubleText(value) : `"${value}"`
}

/** The node with the keys of all its objects sorted. */
export function sorted(node: JsonNode): JsonNode {
  if (isArray(node)) return node.map(sorted)
  if (!isObject(node)) return node
  const entries = [...node].map(([key, value]) => [key, sorted(value)] as const)
  return new Map(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
