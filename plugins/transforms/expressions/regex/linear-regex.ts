import { ConfigError } from 'penstock/api'

import type { Budget } from '../values/budget.ts'
import { parseRegex, type RegexNode } from './parse-regex.ts'

/** The most states of an expression: `{1000}` of a class fits. */
const maxStates = 2000
/** The most sets of states that are kept. If there are more, all are forgotten. */
const maxSets = 1000

interface Step {
  /** Whether a character leads from this state to the next one; null for states that take none. */
  readonly takes: ((character: string) => boolean) | null
  readonly assert: 'start' | 'end' | 'boundary' | 'inside' | null
  next: readonly number[]
}

/** A set of states, and the sets that characters lead to. */
interface StateSet {
  readonly states: readonly number[]
  readonly accepts: boolean
  readonly byCharacter: Map<string, StateSet>
}

/**
 * A regular expression that takes time in proportion to the text, whatever the expression: it follows all alternatives together,
 * as a finite automaton (Thompson 1968), and keeps the sets of states that it has met. Java and JavaScript try one alternative after the other,
 * which takes exponential time for some. Back references and lookaround, which no automaton has, are refused.
 */
export class LinearRegex {
  readonly #steps: Step[] = []
  readonly #accept: number
  readonly #start: number
  readonly #sets = new Map<string, StateSet>()
  readonly #asserts: boolean
  /** Whether it matches at the start, or the end, of a text only. */
  readonly #atStart: boolean
  readonly #atEnd: boolean
  #parts = 0

  /** @throws ConfigError `Invalid regex: …` */
  constructor(pattern: string, ignoreCase = false, dotAll = false) {
    this.#accept = this.#add({ takes: null, assert: null, next: [] })
    const { body, atStart, atEnd } = anchored(parseRegex(pattern, { ignoreCase, dotAll }))
    this.#atStart = atStart
    this.#atEnd = atEnd
    this.#start = this.#build(body, this.#accept)
    this.#asserts = this.#steps.some(({ assert }) => assert !== null)
  }

  /** Returns whether the whole text matches. */
  matches(text: string, budget: Budget): boolean {
    return this.#run(text, budget, true, true)
  }

  /** Returns whether a part of the text matches. */
  finds(text: string, budget: Budget): boolean {
    return this.#run(text, budget, this.#atStart, this.#atEnd)
  }

  #run(text: string, budget: Budget, fromStart: boolean, toEnd: boolean): boolean {
    budget.spend(text.length)
    if (this.#asserts) return this.#runWithAsserts(text, budget, fromStart, toEnd)
    const first = this.#setOf([this.#start], budget)
    let set = first
    for (const character of text) {
      if (!toEnd && set.accepts) return true
      let next = set.byCharacter.get(character)
      if (next === undefined) {
        next = this.#setOf(this.#after(set.states, character, fromStart, budget), budget)
        set.byCharacter.set(character, next)
        if (set.byCharacter.size > 256) set.byCharacter.clear()
      }
      set = next
      if (set.states.length === 0) return false
    }
    return set.accepts
  }

  /** Positions decide which states follow, so nothing is kept. */
  #runWithAsserts(text: string, budget: Budget, fromStart: boolean, toEnd: boolean): boolean {
    let at = 0
    let states = this.#closure([this.#start], { text, at }, budget)
    for (const character of text) {
      if (!toEnd && states.includes(this.#accept)) return true
      at += character.length
      states = this.#closure(this.#after(states, character, fromStart, budget), { text, at }, budget)
    }
    return states.includes(this.#accept)
  }

  #after(states: readonly number[], character: string, fromStart: boolean, budget: Budget): readonly number[] {
    budget.spend(states.length)
    const next = states.flatMap((state) => {
      const step = this.#steps[state]
      return step?.takes?.(character) === true ? step.next : []
    })
    // A part may begin at each character.
    return fromStart ? next : [...next, this.#start]
  }

  #setOf(from: readonly number[], budget: Budget): StateSet {
    const states = this.#closure(from, null, budget)
    const id = states.join(' ')
    let set = this.#sets.get(id)
    if (set === undefined) {
      if (this.#sets.size >= maxSets) this.#sets.clear()
      set = { states, accepts: states.includes(this.#accept), byCharacter: new Map() }
      this.#sets.set(id, set)
    }
    return set
  }

  /** Returns the states that are reached without a character, in order. */
  #closure(from: readonly number[], place: { text: string; at: number } | null, budget: Budget): readonly number[] {
    const seen = new Set<number>()
    const open = [...from]
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      if (seen.has(state)) continue
      seen.add(state)
      const step = this.#steps[state]
      if (step === undefined || step.takes !== null) continue
      if (step.assert === null || (place !== null && holds(step.assert, place.text, place.at))) open.push(...step.next)
    }
    budget.spend(seen.size)
    return [...seen]
      .filter((state) => state === this.#accept || this.#steps[state]?.takes !== null)
      .toSorted((a, b) => a - b)
  }

  #add(step: Step): number {
    if (this.#steps.length >= maxStates)
      throw new ConfigError(`Invalid regex: it has more than ${maxStates} states; repeat less`)
    this.#steps.push(step)
    return this.#steps.length - 1
  }

  /** Returns the first state of a part that leads to `next`. */
  #build(node: RegexNode, next: number): number {
    this.#parts += 1
    if (this.#parts > 10 * maxStates) throw new ConfigError('Invalid regex: it repeats too many parts')
    switch (node.kind) {
      case 'empty':
        return next
      case 'character':
        return this.#add({ takes: node.takes, assert: null, next: [next] })
      case 'assert':
        return this.#add({ takes: null, assert: node.assert, next: [next] })
      case 'sequence':
        return node.items.reduceRight((after, item) => this.#build(item, after), next)
      case 'either':
        return this.#add({ takes: null, assert: null, next: node.items.map((item) => this.#build(item, next)) })
      case 'repeat':
        return this.#repeat(node.item, node.least, node.most, next)
    }
  }

  #repeat(item: RegexNode, least: number, most: number | null, next: number): number {
    let state = next
    if (most === null) {
      const loop: Step = { takes: null, assert: null, next: [] }
      state = this.#add(loop)
      loop.next = [this.#build(item, state), next]
    } else {
      for (let i = least; i < most; i += 1)
        state = this.#add({ takes: null, assert: null, next: [this.#build(item, state), next] })
    }
    for (let i = 0; i < least; i += 1) state = this.#build(item, state)
    return state
  }
}

/** Takes `^` and `$` off the ends of an expression, where most have them: its states are then the same at all places of a text. */
function anchored(node: RegexNode): { readonly body: RegexNode; readonly atStart: boolean; readonly atEnd: boolean } {
  if (node.kind !== 'sequence') return { body: node, atStart: false, atEnd: false }
  const [first, last] = [node.items[0], node.items.at(-1)]
  const atStart = first?.kind === 'assert' && first.assert === 'start'
  const atEnd = last?.kind === 'assert' && last.assert === 'end'
  const items = node.items.slice(atStart ? 1 : 0, atEnd ? -1 : undefined)
  return { body: { kind: 'sequence', items }, atStart, atEnd }
}

function holds(assert: NonNullable<Step['assert']>, text: string, at: number): boolean {
  if (assert === 'start') return at === 0
  if (assert === 'end') return at === text.length
  const isBoundary = /\w/.test(text.charAt(at - 1)) !== /\w/.test(text.charAt(at))
  return isBoundary === (assert === 'boundary')
}
