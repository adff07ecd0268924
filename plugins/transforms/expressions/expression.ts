import type { ConnectRecord } from 'penstock/api'

import { compileExpression, dialectOf, evaluationError } from './compile.ts'
import { Scope, type Evaluate } from './scope.ts'
import type { Language } from './syntax/nodes.ts'
import { parseExpression } from './syntax/parser.ts'
import { Budget } from './values/budget.ts'
import { kindName } from './values/kinds.ts'
import type { Value } from './values/values.ts'

/**
 * An expression of Groovy or JavaScript about a record. It is parsed once, and can only do what its functions do: read the record,
 * compute, and call the methods that are listed in `methods`. It has no loops, and each evaluation has a budget of steps.
 */
export class Expression {
  readonly #source: string
  readonly #evaluate: Evaluate
  readonly #scope: Scope
  readonly #budget = new Budget()

  /** @throws ConfigError with the position of what is malformed or not supported */
  constructor(source: string, language: Language) {
    this.#source = source
    this.#evaluate = compileExpression(source, language, parseExpression(source, language))
    this.#scope = new Scope(dialectOf(language), this.#budget)
  }

  /** The steps that the last evaluation took. */
  get spent(): number {
    return this.#budget.spent
  }

  /** @throws DataError if the record does not have what the expression reads, or it exceeds its budget */
  evaluate(record: ConnectRecord): Value {
    this.#scope.enter(record)
    try {
      return this.#evaluate(this.#scope)
    } catch (cause) {
      throw evaluationError(this.#source, cause)
    }
  }

  /** Returns the error of a result of another type than a class of Java. */
  wrongType(value: Value, type: string): Error {
    return evaluationError(this.#source, new TypeError(`the expression returned ${kindName(value)}, not a ${type}`))
  }
}
