import { DataError } from 'penstock/api'

import type { Scope } from '../scope.ts'
import { doubleOf, isNumber } from '../values/numbers.ts'
import { kindName, type Kind } from '../values/kinds.ts'
import { MatcherView, type Value } from '../values/values.ts'

/** A closure that an expression passes to a method. */
export type Closure = (...items: readonly Value[]) => Value

/** An argument of a method. */
export type Argument = Value | Closure

/** A method that expressions may call. */
export interface Method {
  readonly least: number
  readonly most: number
  readonly call: (self: Value, args: readonly Argument[], scope: Scope) => Value
  /** Whether the first argument is a regular expression, which has to be a literal. */
  readonly pattern: boolean
}

/** The methods of each kind of value. Maps, so that no name of an expression finds another member. */
export type Methods = ReadonlyMap<Kind, ReadonlyMap<string, Method>>

/** Describes a method for the type of value that its kind has. */
export function method<T extends Value>(
  least: number,
  most: number,
  call: (self: T, args: readonly Argument[], scope: Scope) => Value,
  pattern = false,
): Method {
  // The table of the kind is asked with values of the kind only.
  return { least, most, call: call as Method['call'], pattern }
}

/** @throws DataError if an argument is not a text */
export function textAt(args: readonly Argument[], index: number): string {
  const value = args[index]
  if (typeof value === 'string') return value
  throw new DataError(`a string is needed as an argument, found ${nameOf(value)}`)
}

/** @throws DataError if an argument is not a number */
export function numberAt(args: readonly Argument[], index: number): number {
  const value = args[index]
  if (isNumber(value)) return Math.trunc(doubleOf(value))
  throw new DataError(`a number is needed as an argument, found ${nameOf(value)}`)
}

const isClosure = (value: Argument): value is Closure => typeof value === 'function'

/** @throws DataError if an argument is not a closure */
export function closureAt(args: readonly Argument[], index: number): Closure {
  const value = args[index]
  if (isClosure(value)) return value
  throw new DataError(`a closure is needed as an argument, found ${nameOf(value)}`)
}

/** @throws DataError if an argument is a closure */
export function valueAt(args: readonly Argument[], index: number): Value {
  const value = args[index]
  if (typeof value === 'function') throw new DataError('a value is needed as an argument, found a closure')
  return value
}

/** Returns the regular expression that was compiled of a literal. */
export function regexAt(args: readonly Argument[], index: number): MatcherView {
  const value = args[index]
  if (value instanceof MatcherView) return value
  throw new DataError(`a regular expression is needed as an argument, found ${nameOf(value)}`)
}

const nameOf = (value: Argument): string => (typeof value === 'function' ? 'a closure' : kindName(value))
