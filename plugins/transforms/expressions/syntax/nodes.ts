import { ConfigError } from 'penstock/api'

/** The languages of expressions. */
export type Language = 'groovy' | 'javascript'

/** A number as it is written: a Groovy literal has a class, that of its suffix or its size. */
export interface NumberLiteral {
  readonly text: string
  readonly suffix: string
}

/** A part of a text with expressions in it. */
export type TemplatePart = string | Node

interface At {
  /** The position in the source, which errors name. */
  readonly at: number
  /** The height of the tree below. */
  readonly height: number
}

/** A function passed to a method of a collection. */
export interface ClosureNode extends At {
  readonly kind: 'closure'
  readonly parameters: readonly string[]
  readonly body: Node
}

/** An expression. */
export type Node = At &
  (
    | { readonly kind: 'number'; readonly number: NumberLiteral }
    | { readonly kind: 'text'; readonly text: string }
    | { readonly kind: 'constant'; readonly value: null | undefined | boolean }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'list'; readonly items: readonly Node[] }
    | { readonly kind: 'template'; readonly parts: readonly TemplatePart[] }
    | { readonly kind: 'regex'; readonly pattern: string; readonly flags: string }
    | { readonly kind: 'unary'; readonly operator: string; readonly operand: Node }
    | { readonly kind: 'binary'; readonly operator: string; readonly left: Node; readonly right: Node }
    | { readonly kind: 'conditional'; readonly test: Node; readonly chosen: Node; readonly otherwise: Node }
    | { readonly kind: 'elvis'; readonly value: Node; readonly otherwise: Node }
    | { readonly kind: 'member'; readonly object: Node; readonly name: string; readonly safe: boolean }
    | { readonly kind: 'index'; readonly object: Node; readonly index: Node; readonly safe: boolean }
    | {
        readonly kind: 'call'
        readonly object: Node
        readonly method: string
        readonly args: readonly (Node | ClosureNode)[]
        readonly safe: boolean
      }
    | { readonly kind: 'chain'; readonly body: Node }
  )

/** The longest expression, in characters. */
export const maxLength = 65_536

/** Returns the error for a place in an expression that is malformed or not supported. */
export function refused(source: string, at: number, problem: string): ConfigError {
  const before = source.slice(0, at)
  const line = before.split('\n').length
  const column = at - before.lastIndexOf('\n')
  const near = source.slice(at, at + 20).split('\n')[0] ?? ''
  const where = near === '' ? 'at the end' : `at "${near}"`
  return new ConfigError(`Failed to parse the expression, line ${line}, column ${column}, ${where}: ${problem}`)
}
