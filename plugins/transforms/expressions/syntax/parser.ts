import { maxLength, refused, type ClosureNode, type Language, type Node, type TemplatePart } from './nodes.ts'
import type { Token } from './token.ts'
import { tokenize } from './tokens.ts'

/** The highest tree of an expression: 100 parentheses in one another are far below. */
const maxHeight = 400
/** The deepest nesting of parentheses, lists and calls. */
const maxDepth = 100

type Shape = Node extends infer N ? (N extends Node ? Omit<N, 'at' | 'height'> : never) : never

/** Binary operators by precedence, the loosest first. */
const levels: Readonly<Record<Language, readonly (readonly string[])[]>> = {
  groovy: [
    ['||'],
    ['&&'],
    ['=~', '==~'],
    ['==', '!=', '<=>'],
    ['<', '<=', '>', '>=', 'in', '!in'],
    ['..'],
    ['+', '-'],
    ['*', '/', '%'],
  ],
  javascript: [
    ['??'],
    ['||'],
    ['&&'],
    ['==', '!=', '===', '!=='],
    ['<', '<=', '>', '>=', 'in'],
    ['+', '-'],
    ['*', '/', '%'],
  ],
}

const constants: ReadonlyMap<string, null | boolean> = new Map([
  ['null', null],
  ['true', true],
  ['false', false],
])

const reserved = new Set(
  'new if else for while do switch case throw try catch import class def var let const function assert as instanceof delete void await yield this'.split(
    ' ',
  ),
)

/** Parses an expression. @throws ConfigError with the position of what is malformed or not supported */
export function parseExpression(source: string, language: Language): Node {
  const parser = new Parser(source, language, tokenize(source, language))
  return parser.whole()
}

class Parser {
  readonly #source: string
  readonly #language: Language
  readonly #tokens: readonly Token[]
  #next = 0
  #depth: number

  constructor(source: string, language: Language, tokens: readonly Token[], depth = 0) {
    this.#source = source
    this.#language = language
    this.#tokens = tokens
    this.#depth = depth
  }

  /** Parses a script of one expression, which may be returned. */
  whole(): Node {
    if (this.#language === 'groovy' && this.#isName('return')) this.#next += 1
    const node = this.#expression()
    while (this.#takes(';'));
    return this.#ended(node)
  }

  /** Parses the expression in a text. */
  inner(): Node {
    return this.#ended(this.#expression())
  }

  #ended(node: Node): Node {
    const rest = this.#token()
    if (rest.kind !== 'end') this.#refuse(rest, 'one expression is supported, and this is not part of it')
    return node
  }

  #expression(): Node {
    this.#depth += 1
    if (this.#depth > maxDepth) this.#refuse(this.#token(), `it is nested more than ${maxDepth} levels deep`)
    const test = this.#binary(0)
    const node = this.#conditional(test)
    this.#depth -= 1
    return node
  }

  #conditional(test: Node): Node {
    const { at } = this.#token()
    if (this.#takes('?:')) {
      const otherwise = this.#expression()
      return this.#node(at, { kind: 'elvis', value: test, otherwise }, [test, otherwise])
    }
    if (!this.#takes('?')) return test
    const chosen = this.#expression()
    this.#expect(':')
    const otherwise = this.#expression()
    return this.#node(at, { kind: 'conditional', test, chosen, otherwise }, [test, chosen, otherwise])
  }

  #binary(level: number): Node {
    const operators = levels[this.#language][level]
    if (operators === undefined) return this.#unary()
    let left = this.#binary(level + 1)
    for (;;) {
      const { at } = this.#token()
      const operator = this.#takesBinary(operators)
      if (operator === null) return left
      const right = this.#binary(level + 1)
      left = this.#node(at, { kind: 'binary', operator, left, right }, [left, right])
    }
  }

  #takesBinary(operators: readonly string[]): string | null {
    const token = this.#token()
    const { text } = token
    if (token.kind === 'operator' && operators.includes(text)) {
      // A line that begins with a sign is another statement in Groovy.
      if (token.newline && this.#language === 'groovy' && (text === '+' || text === '-'))
        this.#refuse(
          token,
          `a line that begins with "${text}" is a statement of its own: put it at the end of the line before`,
        )
      this.#next += 1
      return text
    }
    if (operators.includes('in') && this.#isName('in')) {
      this.#next += 1
      return 'in'
    }
    if (operators.includes('!in') && token.kind === 'operator' && text === '!' && this.#isName('in', 1)) {
      this.#next += 2
      return '!in'
    }
    return null
  }

  #unary(): Node {
    const token = this.#token()
    const isWord = this.#language === 'javascript' && this.#isName('typeof')
    if (!isWord && !(token.kind === 'operator' && ['!', '-', '+'].includes(token.text))) return this.#postfix()
    this.#next += 1
    this.#depth += 1
    if (this.#depth > maxDepth) this.#refuse(token, `it is nested more than ${maxDepth} levels deep`)
    const operand = this.#unary()
    this.#depth -= 1
    if (token.text === '-' && operand.kind === 'number' && !operand.number.text.startsWith('-')) {
      const number = { ...operand.number, text: `-${operand.number.text}` }
      return this.#node(token.at, { kind: 'number', number }, [])
    }
    return this.#node(token.at, { kind: 'unary', operator: token.text, operand }, [operand])
  }

  /** A chain of members, of which JavaScript skips the rest after a `?.` on nothing. */
  #postfix(): Node {
    let node = this.#primary()
    let skips = false
    for (;;) {
      const token = this.#token()
      if (token.kind !== 'operator') break
      if (token.text === '.' || token.text === '?.') {
        this.#next += 1
        const safe = token.text === '?.'
        skips ||= safe
        node = safe && this.#takes('[') ? this.#index(token.at, node, true) : this.#member(node, safe)
      } else if (token.text === '[' || token.text === '?[') {
        this.#sameLine(token)
        this.#next += 1
        node = this.#index(token.at, node, token.text === '?[')
      } else break
    }
    const token = this.#token()
    if (token.kind === 'operator' && token.text === '(') {
      const what = node.kind === 'name' ? `the function "${node.name}"` : 'a call of a value'
      this.#refuse(token, `${what} is not supported`)
    }
    return skips && this.#language === 'javascript' ? this.#node(node.at, { kind: 'chain', body: node }, [node]) : node
  }

  #sameLine(token: Token): void {
    if (token.newline && this.#language === 'groovy')
      this.#refuse(token, `a line that begins with "${token.text}" is a statement of its own`)
  }

  #index(at: number, object: Node, safe: boolean): Node {
    const index = this.#expression()
    this.#expect(']')
    return this.#node(at, { kind: 'index', object, index, safe }, [object, index])
  }

  #member(object: Node, safe: boolean): Node {
    const token = this.#token()
    this.#next += 1
    let name = ''
    if (token.kind === 'name') name = token.text
    else if (token.kind === 'quoted' && this.#language === 'groovy' && token.parts.length === 1)
      name = String(token.parts[0])
    else this.#refuse(token, 'the name of a field or method is missing')
    const open = this.#token()
    const isCall = open.kind === 'operator' && (open.text === '(' || (open.text === '{' && this.#language === 'groovy'))
    if (!isCall) return this.#node(token.at, { kind: 'member', object, name, safe }, [object])
    this.#sameLine(open)
    const args = this.#arguments()
    return this.#node(token.at, { kind: 'call', object, method: name, args, safe }, [object, ...args])
  }

  #arguments(): readonly (Node | ClosureNode)[] {
    const args: (Node | ClosureNode)[] = []
    if (this.#takes('(')) {
      while (!this.#takes(')')) {
        if (args.length > 0) this.#expect(',')
        args.push(this.#argument())
      }
    }
    const token = this.#token()
    if (this.#language === 'groovy' && token.kind === 'operator' && token.text === '{') args.push(this.#closure())
    return args
  }

  #argument(): Node | ClosureNode {
    const token = this.#token()
    if (this.#language === 'groovy')
      return token.text === '{' && token.kind === 'operator' ? this.#closure() : this.#expression()
    const names = this.#arrowParameters()
    return names === null ? this.#expression() : this.#closed(token.at, names, this.#expression())
  }

  #closed(at: number, parameters: readonly string[], body: Node): ClosureNode {
    return { kind: 'closure', at, height: body.height + 1, parameters, body }
  }

  #closure(): ClosureNode {
    const { at } = this.#token()
    this.#expect('{')
    const names: string[] = []
    let ahead = 0
    for (; this.#peek(ahead).kind === 'name'; ahead += 2) {
      names.push(this.#peek(ahead).text)
      if (this.#peek(ahead + 1).text !== ',') break
    }
    const hasNames = names.length > 0 && this.#peek(ahead + 1).text === '->'
    if (hasNames) this.#next += ahead + 2
    const body = this.#expression()
    this.#expect('}')
    return this.#closed(at, hasNames ? names : ['it'], body)
  }

  /** Reads the parameters of an arrow function; null if none begins here. */
  #arrowParameters(): readonly string[] | null {
    const first = this.#peek(0)
    if (first.kind === 'name' && this.#peek(1).text === '=>') {
      this.#next += 2
      return [first.text]
    }
    if (first.kind !== 'operator' || first.text !== '(') return null
    const names: string[] = []
    let ahead = 1
    for (; this.#peek(ahead).kind === 'name'; ahead += 1) {
      names.push(this.#peek(ahead).text)
      if (this.#peek(ahead + 1).text !== ',') break
      ahead += 1
    }
    const end = names.length === 0 ? 1 : ahead + 1
    if (this.#peek(end).text !== ')' || this.#peek(end + 1).text !== '=>') return null
    this.#next += end + 2
    return names
  }

  #primary(): Node {
    const token = this.#token()
    this.#next += 1
    const { at } = token
    if (token.kind === 'number')
      return this.#node(at, { kind: 'number', number: { text: token.text, suffix: token.suffix } }, [])
    if (token.kind === 'regex') {
      // Between slashes is a text in Groovy.
      if (this.#language === 'groovy') return this.#node(at, { kind: 'text', text: token.text }, [])
      return this.#node(at, { kind: 'regex', pattern: token.text, flags: token.flags }, [])
    }
    if (token.kind === 'quoted') return this.#quoted(token)
    if (token.kind === 'name') return this.#word(token)
    if (token.text === '(') {
      const node = this.#expression()
      this.#expect(')')
      return node
    }
    if (token.text === '[') return this.#list(at)
    return this.#refuse(token, token.kind === 'end' ? 'an expression is missing' : 'an expression is expected')
  }

  #word(token: Token): Node {
    const { text, at } = token
    const constant = constants.get(text)
    if (constant !== undefined) return this.#node(at, { kind: 'constant', value: constant }, [])
    if (reserved.has(text)) this.#refuse(token, `"${text}" is not supported; an expression can only compute a value`)
    if (this.#language === 'javascript' && text === 'undefined')
      return this.#node(at, { kind: 'constant', value: undefined }, [])
    return this.#node(at, { kind: 'name', name: text }, [])
  }

  #list(at: number): Node {
    const items: Node[] = []
    while (!this.#takes(']')) {
      if (items.length > 0) this.#expect(',')
      items.push(this.#expression())
    }
    return this.#node(at, { kind: 'list', items }, items)
  }

  #quoted(token: Token & { readonly kind: 'quoted' }): Node {
    const [only] = token.parts
    if (token.parts.length === 1 && typeof only === 'string')
      return this.#node(token.at, { kind: 'text', text: only }, [])
    const parts = token.parts.map((part): TemplatePart =>
      typeof part === 'string' ? part : new Parser(this.#source, this.#language, part, this.#depth).inner(),
    )
    return this.#node(
      token.at,
      { kind: 'template', parts },
      parts.filter((part) => typeof part !== 'string'),
    )
  }

  #node(at: number, shape: Shape, children: readonly (Node | ClosureNode)[]): Node {
    let height = 1
    for (const child of children) height = Math.max(height, child.height + 1)
    if (height > maxHeight) throw refused(this.#source, at, `it has more than ${maxHeight} operators in one another`)
    return { ...shape, at, height }
  }

  #token(): Token {
    return this.#peek(0)
  }

  #peek(ahead: number): Token {
    const token = this.#tokens[this.#next + ahead] ?? this.#tokens.at(-1)
    if (token === undefined) throw refused(this.#source, maxLength, 'it is empty')
    return token
  }

  #isName(name: string, ahead = 0): boolean {
    const token = this.#peek(ahead)
    return token.kind === 'name' && token.text === name
  }

  #takes(operator: string): boolean {
    const token = this.#token()
    if (token.kind !== 'operator' || token.text !== operator) return false
    this.#next += 1
    return true
  }

  #expect(operator: string): void {
    if (!this.#takes(operator)) this.#refuse(this.#token(), `"${operator}" is expected`)
  }

  #refuse(token: Token, problem: string): never {
    throw refused(this.#source, token.at, problem)
  }
}
