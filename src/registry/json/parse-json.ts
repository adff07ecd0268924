import { JsonNumber, type JsonNode } from './json-node.ts'

/** The text is not JSON, or it is nested too deep. */
export class JsonError extends Error {
  override readonly name = 'JsonError'
}

/** Schemas of real life are nested a few tens deep; each level is a call on the stack. */
const maxDepth = 500

const numberForm = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const blanks = /(?:[ \t\n\r]+|\/\/[^\n]*|\/\*[^]*?\*\/)*/y
const words: readonly (readonly [string, JsonNode])[] = [
  ['true', true],
  ['false', false],
  ['null', null],
]

/**
 * Parses JSON. Comments count as blanks, as in Avro's parser; the last of several equal keys counts.
 * @throws JsonError that names the place
 */
export function parseJson(text: string): JsonNode {
  const parser = new Parser(text)
  return parser.document()
}

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): JsonNode {
    const node = this.#value(0)
    this.#skip()
    if (this.#at < this.#text.length) throw this.#error('the end')
    return node
  }

  #value(depth: number): JsonNode {
    if (depth > maxDepth) throw new JsonError(`the JSON is nested more than ${maxDepth} deep`)
    this.#skip()
    const first = this.#text[this.#at]
    if (first === '{') return this.#object(depth)
    if (first === '[') return this.#array(depth)
    if (first === '"') return this.#string()
    for (const [word, value] of words) {
      if (!this.#text.startsWith(word, this.#at)) continue
      this.#at += word.length
      return value
    }
    numberForm.lastIndex = this.#at
    const number = numberForm.exec(this.#text)?.[0]
    if (number === undefined) throw this.#error('a value')
    this.#at += number.length
    return new JsonNumber(number)
  }

  #object(depth: number): JsonNode {
    const object = new Map<string, JsonNode>()
    this.#at += 1
    if (this.#takes('}')) return object
    do {
      this.#skip()
      if (this.#text[this.#at] !== '"') throw this.#error('a key')
      const key = this.#string()
      if (!this.#takes(':')) throw this.#error('":"')
      object.set(key, this.#value(depth + 1))
    } while (this.#takes(','))
    if (!this.#takes('}')) throw this.#error('"," or "}"')
    return object
  }

  #array(depth: number): JsonNode {
    const items: JsonNode[] = []
    this.#at += 1
    if (this.#takes(']')) return items
    do items.push(this.#value(depth + 1))
    while (this.#takes(','))
    if (!this.#takes(']')) throw this.#error('"," or "]"')
    return items
  }

  #string(): string {
    const start = this.#at
    let end = start + 1
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1
    if (end >= this.#text.length) throw this.#error('the end of the text that begins here')
    this.#at = end + 1
    try {
      return String(JSON.parse(this.#text.slice(start, this.#at)))
    } catch {
      this.#at = start
      throw this.#error('text without control characters and with known escapes')
    }
  }

  #takes(character: string): boolean {
    this.#skip()
    if (this.#text[this.#at] !== character) return false
    this.#at += 1
    return true
  }

  #skip(): void {
    blanks.lastIndex = this.#at
    this.#at += blanks.exec(this.#text)?.[0].length ?? 0
  }

  #error(expected: string): JsonError {
    const before = this.#text.slice(0, this.#at)
    const line = before.split('\n').length
    const column = this.#at - before.lastIndexOf('\n')
    return new JsonError(`the JSON is not valid: line ${line}, column ${column}: ${expected} is expected`)
  }
}
