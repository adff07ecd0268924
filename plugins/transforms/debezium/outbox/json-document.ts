/** A JSON number with a fraction or an exponent. Java reads it as a double. */
export class JsonDouble {
  readonly value: number
  constructor(value: number) {
    this.value = value
  }
}

/** A JSON document that keeps the order of names, and tells integers from doubles. Integers past 2^53 are bigint. */
export type JsonNode = null | boolean | string | number | bigint | JsonDouble | readonly JsonNode[] | JsonMembers
export type JsonMembers = ReadonlyMap<string, JsonNode>

/** The limits of Jackson, which Debezium reads documents with. */
const maxDepth = 1000
const maxNumberLength = 1000

const spaces = /[ \t\n\r]*/y
const numbers = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const words: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
])

/**
 * Parses the object or array at the start of a text. As Jackson's `readTree`, it does not look at what follows, and the last one
 * of several members with the same name counts.
 * @throws SyntaxError if the text does not begin with one, or it is too deep.
 */
export function parseDocument(text: string): readonly JsonNode[] | JsonMembers {
  const parser = new Parser(text)
  if (text.startsWith('{')) return parser.object(0)
  if (text.startsWith('[')) return parser.array(0)
  throw new SyntaxError(`the text does not begin with { or [`)
}

class Parser {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  object(depth: number): JsonMembers {
    this.#open(depth)
    const members = new Map<string, JsonNode>()
    if (this.#take('}')) return members
    for (;;) {
      const name = this.#string()
      if (!this.#take(':')) throw this.#unexpected()
      members.set(name, this.#node(depth + 1))
      if (this.#take('}')) return members
      if (!this.#take(',')) throw this.#unexpected()
    }
  }

  array(depth: number): readonly JsonNode[] {
    this.#open(depth)
    const items: JsonNode[] = []
    if (this.#take(']')) return items
    for (;;) {
      items.push(this.#node(depth + 1))
      if (this.#take(']')) return items
      if (!this.#take(',')) throw this.#unexpected()
    }
  }

  #open(depth: number): void {
    if (depth >= maxDepth) throw new SyntaxError(`JSON is deeper than ${maxDepth} levels`)
    this.#at += 1
  }

  #node(depth: number): JsonNode {
    this.#skip(spaces)
    const first = this.#text.charAt(this.#at)
    if (first === '{') return this.object(depth)
    if (first === '[') return this.array(depth)
    if (first === '"') return this.#string()
    for (const [word, value] of words) {
      if (!this.#text.startsWith(word, this.#at)) continue
      this.#at += word.length
      return value
    }
    return this.#number()
  }

  /** Without a regular expression, whose stack ends within a text of 16 MB. */
  #string(): string {
    this.#skip(spaces)
    const start = this.#at
    if (this.#text.charAt(start) !== '"') throw this.#unexpected()
    let end = start
    do {
      end = this.#text.indexOf('"', end + 1)
      if (end < 0) throw this.#unexpected()
    } while (this.#isEscaped(end))
    this.#at = end + 1
    return JSON.parse(this.#text.slice(start, end + 1)) as string
  }

  /** Returns whether an odd number of backslashes is before a quote. */
  #isEscaped(quote: number): boolean {
    let first = quote
    while (this.#text.charAt(first - 1) === '\\') first -= 1
    return (quote - first) % 2 === 1
  }

  #number(): JsonNode {
    const match = this.#skip(numbers)
    if (match === null) throw this.#unexpected()
    const [token, fraction, exponent] = match
    if (token.length > maxNumberLength) throw new SyntaxError(`a number has more than ${maxNumberLength} characters`)
    const value = Number(token)
    if (fraction !== undefined || exponent !== undefined) return new JsonDouble(value)
    // Of an integer, -0 is 0.
    return Number.isSafeInteger(value) ? value || 0 : BigInt(token)
  }

  #take(character: string): boolean {
    this.#skip(spaces)
    if (this.#text.charAt(this.#at) !== character) return false
    this.#at += 1
    return true
  }

  #skip(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match !== null) this.#at += match[0].length
    return match
  }

  #unexpected(): SyntaxError {
    const found = this.#text.slice(this.#at, this.#at + 10)
    return new SyntaxError(`unexpected ${found === '' ? 'end' : `"${found}"`} at ${this.#at} of JSON`)
  }
}
