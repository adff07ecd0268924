import { DataError, errorMessage, fieldOf, type Field, type Schema } from 'penstock/api'

import { groovyDialect, groovyOperators, type Operator } from './groovy.ts'
import { javascriptDialect, javascriptOperators, javascriptUnary } from './javascript.ts'
import { indexed, memberOf } from './members.ts'
import type { Argument, Closure } from './methods/method.ts'
import { methodsNamed } from './methods/methods.ts'
import { LinearRegex } from './regex/linear-regex.ts'
import { variables, type Dialect, type Evaluate, type Scope } from './scope.ts'
import { refused, type ClosureNode, type Language, type Node } from './syntax/nodes.ts'
import { kindName, kindOf } from './values/kinds.ts'
import { decimalOf, Floating, isNumber, negated } from './values/numbers.ts'
import { listOf, MatcherView, StructView, TypeView, type Value } from './values/values.ts'

/** The value of the rest of a chain in JavaScript after a `?.` on nothing. */
const skipped = new TypeView('skipped')

const dialects: Readonly<Record<Language, Dialect>> = { groovy: groovyDialect, javascript: javascriptDialect }

/** Returns the rules of a language. */
export const dialectOf = (language: Language): Dialect => dialects[language]

/** Compiles an expression to functions, once. @throws ConfigError for what is not supported, with its position */
export function compileExpression(source: string, language: Language, node: Node): Evaluate {
  return new Compiler(source, language).compile(node)
}

class Compiler {
  readonly #source: string
  readonly #language: Language
  readonly #operators: ReadonlyMap<string, Operator>
  /** The parameters of the closures around, in the order of their places. */
  readonly #locals: string[] = []

  constructor(source: string, language: Language) {
    this.#source = source
    this.#language = language
    this.#operators = language === 'groovy' ? groovyOperators : javascriptOperators
  }

  compile(node: Node): Evaluate {
    switch (node.kind) {
      case 'constant':
      case 'text': {
        const constant = node.kind === 'text' ? node.text : node.value
        return () => constant
      }
      case 'number': {
        const number = this.#number(node.number.text, node.number.suffix, node.at)
        return () => number
      }
      case 'regex': {
        const matcher = new MatcherView(this.#regex(node.pattern, node.at, node.flags), null)
        return () => matcher
      }
      case 'name':
        return this.#name(node.name, node.at)
      case 'list':
        return this.#list(node.items)
      case 'template':
        return this.#template(node)
      case 'unary':
        return this.#unary(node)
      case 'binary':
        return this.#binary(node)
      case 'conditional': {
        const [test, chosen, otherwise] = [
          this.#truth(node.test),
          this.compile(node.chosen),
          this.compile(node.otherwise),
        ]
        return (scope) => (test(scope) ? chosen(scope) : otherwise(scope))
      }
      case 'elvis': {
        const [value, otherwise] = [this.compile(node.value), this.compile(node.otherwise)]
        return (scope) => {
          const found = value(scope)
          return scope.dialect.truth(found, scope) ? found : otherwise(scope)
        }
      }
      case 'member':
        return this.#member(node)
      case 'index':
        return this.#index(node)
      case 'call':
        return this.#call(node)
      case 'chain': {
        const body = this.compile(node.body)
        return (scope) => {
          const found = body(scope)
          return found === skipped ? undefined : found
        }
      }
    }
  }

  /** A list of literals is made once: expressions cannot change it. */
  #list(nodes: readonly Node[]): Evaluate {
    const items = nodes.map((item) => this.compile(item))
    const literals = nodes.map((item) => this.#literal(item))
    if (literals.every((value) => value !== undefined)) {
      const list = listOf(literals)
      return () => list
    }
    return (scope) => {
      scope.budget.spend(items.length)
      return listOf(items.map((item) => item(scope)))
    }
  }

  /** Returns the value of a literal; undefined for other expressions. */
  #literal(node: Node): Value {
    if (node.kind === 'text') return node.text
    if (node.kind === 'constant') return node.value
    return node.kind === 'number' ? this.#number(node.number.text, node.number.suffix, node.at) : undefined
  }

  #truth(node: Node): (scope: Scope) => boolean {
    const value = this.compile(node)
    return (scope) => {
      const found = value(scope)
      return typeof found === 'boolean' ? found : scope.dialect.truth(found, scope)
    }
  }

  #number(text: string, suffix: string, at: number): Value {
    if (this.#language === 'javascript') return text.startsWith('-') ? -Number(text.slice(1)) : Number(text)
    if (suffix === 'f' || suffix === 'd')
      return suffix === 'f' ? new Floating(Math.fround(Number(text)), 32) : new Floating(Number(text), 64)
    const isHexadecimal = /^-?0x/i.test(text)
    if (suffix === 'g' || (!isHexadecimal && /[.e]/i.test(text))) return decimalOf(text)
    const whole = text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text)
    if (suffix !== 'l' && BigInt.asIntN(32, whole) === whole) return Number(whole)
    if (suffix === 'i' || BigInt.asIntN(64, whole) !== whole)
      throw refused(this.#source, at, `the number ${text} is too large`)
    return whole
  }

  #regex(pattern: string, at: number, flags = ''): LinearRegex {
    try {
      return new LinearRegex(pattern, flags.includes('i'), flags.includes('s'))
    } catch (cause) {
      throw refused(this.#source, at, errorMessage(cause))
    }
  }

  #name(name: string, at: number): Evaluate {
    const place = this.#locals.lastIndexOf(name)
    if (place >= 0) return (scope) => scope.locals[place]
    if (this.#language === 'javascript' && (name === 'NaN' || name === 'Infinity')) {
      const number = Number(name)
      return () => number
    }
    const variable = variables.get(name)
    if (variable !== undefined) return variable
    throw refused(this.#source, at, `"${name}" is unknown; there are ${[...variables.keys()].join(', ')}`)
  }

  #template({ parts }: Node & { readonly kind: 'template' }): Evaluate {
    const texts = parts.map((part): ((scope: Scope) => string) => {
      if (typeof part === 'string') return () => part
      const value = this.compile(part)
      return (scope) => scope.dialect.text(value(scope), scope)
    })
    return (scope) => {
      let text = ''
      for (const part of texts) {
        const next = part(scope)
        scope.budget.spend(next.length)
        text += next
      }
      return text
    }
  }

  #unary({ operator, operand }: Node & { readonly kind: 'unary' }): Evaluate {
    if (operator === '!') {
      const test = this.#truth(operand)
      return (scope) => !test(scope)
    }
    const value = this.compile(operand)
    const own = this.#language === 'javascript' ? javascriptUnary.get(operator) : undefined
    if (own !== undefined) return (scope) => own(value(scope), scope)
    return (scope) => {
      const found = value(scope)
      if (!isNumber(found)) throw new DataError(`there is no ${operator} of ${kindName(found)}`)
      return operator === '-' ? negated(found) : found
    }
  }

  #binary(node: Node & { readonly kind: 'binary' }): Evaluate {
    const { operator, left, right } = node
    if (operator === '&&' || operator === '||' || operator === '??') return this.#logical(node)
    if (operator === '..') throw refused(this.#source, node.at, 'a range is supported after "in" only')
    if (operator === '=~' || operator === '==~') return this.#match(node)
    if ((operator === 'in' || operator === '!in') && right.kind === 'binary' && right.operator === '..')
      return this.#inRange(left, right.left, right.right, operator === 'in')
    const compute = this.#operators.get(operator)
    if (compute === undefined) throw refused(this.#source, node.at, `the operator "${operator}" is not supported`)
    const [a, b] = [this.compile(left), this.compile(right)]
    if (operator === '==') {
      return (scope) => {
        const [x, y] = [a(scope), b(scope)]
        return typeof x === 'string' && typeof y === 'string' ? x === y : compute(x, y, scope)
      }
    }
    return (scope) => compute(a(scope), b(scope), scope)
  }

  /** In Groovy the result is a boolean, in JavaScript one of the operands. */
  #logical({ operator, left, right }: Node & { readonly kind: 'binary' }): Evaluate {
    if (this.#language === 'groovy') {
      const [a, b] = [this.#truth(left), this.#truth(right)]
      return operator === '&&' ? (scope) => a(scope) && b(scope) : (scope) => a(scope) || b(scope)
    }
    const [a, b] = [this.compile(left), this.compile(right)]
    return (scope) => {
      const found = a(scope)
      if (operator === '??') return found ?? b(scope)
      return scope.dialect.truth(found, scope) === (operator === '&&') ? b(scope) : found
    }
  }

  #match({ operator, left, right, at }: Node & { readonly kind: 'binary' }): Evaluate {
    if (right.kind !== 'text')
      throw refused(this.#source, at, `${operator} is supported with a literal on the right only`)
    const regex = this.#regex(right.text, right.at)
    const value = this.compile(left)
    return (scope) => {
      const found = value(scope)
      const text = found === null ? null : scope.dialect.text(found, scope)
      if (operator === '=~') return new MatcherView(regex, text)
      return text !== null && regex.matches(text, scope.budget)
    }
  }

  /** A range of Groovy holds Integers only, not Longs or shorts. */
  #inRange(item: Node, from: Node, to: Node, expected: boolean): Evaluate {
    const [value, low, high] = [this.compile(item), this.compile(from), this.compile(to)]
    return (scope) => {
      const [found, one, other] = [value(scope), low(scope), high(scope)]
      if (typeof one !== 'number' || typeof other !== 'number') throw new DataError('a range needs two integers')
      const within = typeof found === 'number' && found >= Math.min(one, other) && found <= Math.max(one, other)
      return within === expected
    }
  }

  /** The place of a field is looked up once for each schema. */
  #member({ object, name, safe }: Node & { readonly kind: 'member' }): Evaluate {
    const owner = this.compile(object)
    const nothing = this.#nothing(safe)
    let known: Schema | null = null
    let field: Field | undefined
    return (scope) => {
      const found = owner(scope)
      if (found instanceof StructView) {
        if (found.schema !== known) {
          known = found.schema
          field = fieldOf(known, name)
        }
        if (field !== undefined)
          return scope.dialect.convert(field.schema, found.values[field.index] ?? field.schema.defaultValue ?? null)
      } else if (nothing !== null && (found === null || found === undefined || found === skipped))
        return found === skipped ? skipped : nothing(found)
      return memberOf(found, name, scope)
    }
  }

  /** Returns what a member of nothing is; null if that is an error. */
  #nothing(safe: boolean): ((owner: Value) => Value) | null {
    if (this.#language === 'groovy') return safe ? () => null : null
    return (owner) => {
      if (safe) return skipped
      throw new DataError(`cannot read a member of ${kindName(owner)}`)
    }
  }

  #index({ object, index, safe }: Node & { readonly kind: 'index' }): Evaluate {
    const [owner, place] = [this.compile(object), this.compile(index)]
    const nothing = this.#nothing(safe)
    return (scope) => {
      const found = owner(scope)
      if (found === skipped) return skipped
      if (nothing !== null && (found === null || found === undefined)) return nothing(found)
      return indexed(found, place(scope), scope)
    }
  }

  #call(node: Node & { readonly kind: 'call' }): Evaluate {
    const { object, method, safe, at } = node
    const owner = this.compile(object)
    const methods = methodsNamed(method, this.#language)
    if (methods.size === 0) throw refused(this.#source, at, `the method "${method}" is not supported`)
    const count = node.args.length
    const fitting = [...methods.values()].filter(({ least, most }) => count >= least && count <= most)
    if (fitting.length === 0) throw refused(this.#source, at, `the method "${method}" does not take ${count} arguments`)
    const args = fitting.some(({ pattern }) => pattern)
      ? this.#patterns(node)
      : node.args.map((arg) => this.#argument(arg))
    const nothing = this.#nothing(safe)
    return (scope) => {
      const found = owner(scope)
      if (found === skipped) return skipped
      if (found === null || found === undefined) {
        if (nothing !== null) return nothing(found)
        if (!methods.has('null')) throw new DataError(`Cannot invoke method ${method}() on null object`)
      }
      const one = methods.get(kindOf(found))
      if (one === undefined || count < one.least || count > one.most)
        throw new DataError(`${kindName(found)} has no method ${method} with ${count} arguments`)
      scope.budget.spend(1)
      return one.call(
        found,
        args.map((arg) => arg(scope)),
        scope,
      )
    }
  }

  #patterns({ args, method, at }: Node & { readonly kind: 'call' }): readonly ((scope: Scope) => Argument)[] {
    return args.map((arg) => {
      if (arg.kind !== 'text') throw refused(this.#source, at, `${method} is supported with a literal only`)
      const matcher = new MatcherView(this.#regex(arg.text, arg.at), null)
      return () => matcher
    })
  }

  #argument(node: Node | ClosureNode): (scope: Scope) => Argument {
    if (node.kind !== 'closure') return this.compile(node)
    const first = this.#locals.length
    this.#locals.push(...node.parameters)
    const body = this.compile(node.body)
    this.#locals.length = first
    const cost = sizeOf(node.body)
    const pairs = this.#language === 'groovy' && node.parameters.length === 2
    return (scope): Closure => {
      return (...items) => {
        scope.budget.spend(cost)
        const [item] = items
        const values =
          pairs && item !== null && typeof item === 'object' && 'key' in item ? [item.key, item.value] : items
        for (let i = 0; i < node.parameters.length; i += 1) scope.locals[first + i] = values[i]
        return body(scope)
      }
    }
  }
}

/** The number of nodes of a tree, which each call of a closure evaluates at most. */
function sizeOf(node: unknown): number {
  if (typeof node !== 'object' || node === null) return 0
  let size = 1
  for (const child of Object.values(node)) size += sizeOf(child)
  return size
}

/** Returns the error of an evaluation that failed, as Debezium names it. */
export function evaluationError(source: string, cause: unknown): DataError {
  const shown = source.length > 200 ? `${source.slice(0, 200)}…` : source
  return new DataError(`Error while evaluating expression '${shown}': ${errorMessage(cause)}`, { cause })
}
