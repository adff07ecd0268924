/** The text is not a Protobuf schema that this registry accepts. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError'
}

const blanks = /[ \t\r\n]*/y
const wordForm = /[A-Za-z0-9_.-]+/y
const shortWordForm = /[A-Za-z0-9_-]+/y
const identifierForm = /^[A-Za-z_][A-Za-z0-9_]*$/
const typeNameForm = /^\.?[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*$/
const escapes: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/** Reads the words and signs of a `.proto` file; comments count as blanks. Errors name the line. */
export class ProtoReader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  get isAtEnd(): boolean {
    this.#skip()
    return this.#at === this.#text.length
  }

  /** The next character that is no blank. @throws ProtobufError at the end */
  peek(): string {
    this.#skip()
    const next = this.#text[this.#at]
    if (next === undefined) throw this.error('the schema ends where more is expected')
    return next
  }

  /** Whether the next character is this one, which is then read. */
  takes(character: string): boolean {
    if (this.peek() !== character) return false
    this.#at += 1
    return true
  }

  require(character: string): void {
    if (!this.takes(character)) throw this.error(`"${character}" is expected, not "${this.peek()}"`)
  }

  /** @param dots whether dots belong to the word */
  word(dots = true): string {
    this.peek()
    const form = dots ? wordForm : shortWordForm
    form.lastIndex = this.#at
    const word = form.exec(this.#text)?.[0]
    if (word === undefined) throw this.error(`a word is expected, not "${this.peek()}"`)
    this.#at += word.length
    return word
  }

  identifier(what: string): string {
    return this.checkedIdentifier(this.word(), what)
  }

  checkedIdentifier(word: string, what: string): string {
    if (!identifierForm.test(word)) throw this.error(`"${word}" is not the name of ${what}`)
    return word
  }

  /** A name with dots. */
  typeName(word = this.word(), what = 'a type'): string {
    let name = word
    // The parts may be apart.
    while (!this.isAtEnd && this.peek() === '.') {
      this.#at += 1
      name += `.${this.word()}`
    }
    if (!typeNameForm.test(name)) throw this.error(`"${name}" is not the name of ${what}`)
    return name
  }

  integer(): number {
    const word = this.word()
    const value = /^-?(?:\d+|0[xX][\da-fA-F]+)$/.test(word) ? Number(word) : Number.NaN
    if (!Number.isInteger(value) || value < -2_147_483_648 || value > 2_147_483_647)
      throw this.error(`an integer is expected, not "${word}"`)
    return value
  }

  /** A text in quotes; several beside one another are one. */
  string(): string {
    let text = ''
    do text += this.#quoted()
    while (!this.isAtEnd && (this.peek() === '"' || this.peek() === "'"))
    return text
  }

  error(problem: string): ProtobufError {
    const before = this.#text.slice(0, this.#at)
    const line = before.split('\n').length
    const column = this.#at - before.lastIndexOf('\n')
    return new ProtobufError(`line ${line}, column ${column}: ${problem}`)
  }

  #quoted(): string {
    const quote = this.peek()
    if (quote !== '"' && quote !== "'") throw this.error(`a text in quotes is expected, not "${quote}"`)
    this.#at += 1
    const parts: string[] = []
    for (;;) {
      const start = this.#at
      while (this.#at < this.#text.length && this.#text[this.#at] !== quote && this.#text[this.#at] !== '\\')
        this.#at += 1
      parts.push(this.#text.slice(start, this.#at))
      const end = this.#text[this.#at]
      if (end === undefined) throw this.error('the text in quotes has no end')
      this.#at += 1
      if (end === quote) return parts.join('')
      parts.push(this.#escape())
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at]
    if (letter === undefined) throw this.error('the text in quotes has no end')
    const digits = /[xX][\da-fA-F]{1,2}|[0-7]{1,3}/y
    digits.lastIndex = this.#at
    const number = digits.exec(this.#text)?.[0]
    if (number !== undefined) {
      this.#at += number.length
      const isHex = number.startsWith('x') || number.startsWith('X')
      return String.fromCharCode(isHex ? Number.parseInt(number.slice(1), 16) : Number.parseInt(number, 8))
    }
    if (letter === 'x' || letter === 'X') throw this.error('a hexadecimal digit is expected after \\x')
    this.#at += 1
    return Object.hasOwn(escapes, letter) ? (escapes[letter] ?? letter) : letter
  }

  #skip(): void {
    for (;;) {
      blanks.lastIndex = this.#at
      this.#at += blanks.exec(this.#text)?.[0].length ?? 0
      if (this.#text[this.#at] !== '/') return
      const isLine = this.#text[this.#at + 1] === '/'
      if (!isLine && this.#text[this.#at + 1] !== '*') throw this.error('"/" begins no comment')
      const end = isLine ? this.#text.indexOf('\n', this.#at) : this.#text.indexOf('*/', this.#at + 2)
      if (end < 0 && !isLine) throw this.error('the comment has no end')
      this.#at = end < 0 ? this.#text.length : end + (isLine ? 1 : 2)
    }
  }
}
