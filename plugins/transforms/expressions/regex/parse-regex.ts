import { ConfigError, javaRegExp } from 'penstock/api'

/** A part of a regular expression. */
export type RegexNode =
  | { readonly kind: 'empty' }
  | { readonly kind: 'character'; readonly takes: (character: string) => boolean }
  | { readonly kind: 'assert'; readonly assert: 'start' | 'end' | 'boundary' | 'inside' }
  | { readonly kind: 'sequence' | 'either'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'repeat'; readonly item: RegexNode; readonly least: number; readonly most: number | null }

interface Flags {
  readonly ignoreCase: boolean
  readonly dotAll: boolean
}

const maxDepth = 50
const maxLength = 10_000

/** Parses a regular expression of Java, without what an automaton cannot do. @throws ConfigError `Invalid regex: …` */
export function parseRegex(pattern: string, flags: Flags): RegexNode {
  const leading = /^\(\?([is]+)\)/.exec(pattern)
  const set = leading?.[1] ?? ''
  const all = { ignoreCase: flags.ignoreCase || set.includes('i'), dotAll: flags.dotAll || set.includes('s') }
  if (pattern.length > maxLength) throw invalid(pattern, `more than ${maxLength} characters`)
  const parser = new RegexParser(pattern, leading?.[0].length ?? 0, all)
  return parser.whole()
}

function invalid(pattern: string, reason: string): ConfigError {
  return new ConfigError(`Invalid regex: ${reason} in "${pattern.slice(0, 200)}"`)
}

class RegexParser {
  readonly #pattern: string
  readonly #flags: Flags
  #at: number
  #depth = 0

  constructor(pattern: string, at: number, flags: Flags) {
    this.#pattern = pattern
    this.#at = at
    this.#flags = flags
  }

  whole(): RegexNode {
    const node = this.#either()
    if (this.#at < this.#pattern.length) throw this.#invalid('an unmatched ")"')
    return node
  }

  #either(): RegexNode {
    const items = [this.#sequence()]
    while (this.#takes('|')) items.push(this.#sequence())
    const [only] = items
    return items.length === 1 && only !== undefined ? only : { kind: 'either', items }
  }

  #sequence(): RegexNode {
    const items: RegexNode[] = []
    while (this.#at < this.#pattern.length && !/[|)]/.test(this.#first())) items.push(this.#repeated(this.#item()))
    return { kind: 'sequence', items }
  }

  #repeated(item: RegexNode): RegexNode {
    const found = /^(?:[*+?]|\{(\d{1,4})(,(\d{0,4}))?\})([?+]?)/.exec(this.#pattern.slice(this.#at, this.#at + 16))
    if (found === null) return item
    const [whole, from, comma, to, manner] = found
    if (manner === '+') throw this.#invalid('possessive quantifiers are not supported')
    this.#at += whole.length
    const [least, most] = boundsOf(whole, from, comma, to)
    if (most !== null && most < least) throw this.#invalid('a quantifier of less than nothing')
    if (/^[*+?{]/.test(this.#first())) throw this.#invalid('a quantifier of a quantifier')
    return { kind: 'repeat', item, least, most }
  }

  #item(): RegexNode {
    const first = this.#first()
    if (first === '(') return this.#group()
    if (first === '^' || first === '$') {
      this.#at += 1
      return { kind: 'assert', assert: first === '^' ? 'start' : 'end' }
    }
    if (/^[*+?]/.test(first)) throw this.#invalid(`"${first}" follows nothing`)
    if (first === '\\') return this.#escape()
    if (first === '[') return this.#class()
    const character = String.fromCodePoint(this.#pattern.codePointAt(this.#at) ?? 0)
    this.#at += character.length
    return this.#character(character === '{' ? '\\{' : character)
  }

  #group(): RegexNode {
    this.#depth += 1
    if (this.#depth > maxDepth) throw this.#invalid(`groups are nested more than ${maxDepth} levels deep`)
    const head = /^\((?:\?:|\?<[A-Za-z]\w*>)?/.exec(this.#pattern.slice(this.#at, this.#at + 100))?.[0] ?? '('
    this.#at += head.length
    if (this.#first() === '?')
      throw this.#invalid('lookaround, atomic groups and flags in the middle are not supported')
    const node = this.#either()
    if (!this.#takes(')')) throw this.#invalid('a ")" is missing')
    this.#depth -= 1
    return node
  }

  #escape(): RegexNode {
    const rest = this.#pattern.slice(this.#at + 1)
    const position = /^[bBAzZ]/.exec(rest)?.[0]
    if (position !== undefined) {
      this.#at += 2
      if (position === 'b' || position === 'B')
        return { kind: 'assert', assert: position === 'b' ? 'boundary' : 'inside' }
      return { kind: 'assert', assert: position === 'A' ? 'start' : 'end' }
    }
    if (/^(?:[1-9]|k)/.test(rest)) throw this.#invalid('back references are not supported')
    if (/^[QR]/.test(rest)) throw this.#invalid(`\\${rest.charAt(0)} is not supported`)
    const length =
      /^(?:[pP]\{[^}]*\}|x\{[^}]*\}|x[\da-fA-F]{2}|u[\da-fA-F]{4}|0[0-7]{1,3}|c.)/.exec(rest)?.[0].length ?? 1
    const text = this.#pattern.slice(this.#at, this.#at + 1 + length)
    this.#at += 1 + length
    return this.#character(text)
  }

  /** Finds the end of a class; its meaning is that of the API's translation. */
  #class(): RegexNode {
    const start = this.#at
    let depth = 0
    for (let at = start; at < this.#pattern.length; at += 1) {
      const character = this.#pattern.charAt(at)
      if (character === '\\') at += 1
      else if (character === '[') {
        depth += 1
        if (this.#pattern.charAt(at + 1) === '^') at += 1
        // A bracket at the start is a character.
        if (this.#pattern.charAt(at + 1) === ']') at += 1
      } else if (character === ']') {
        depth -= 1
        if (depth === 0) {
          this.#at = at + 1
          return this.#character(this.#pattern.slice(start, at + 1))
        }
      }
    }
    throw this.#invalid('a class does not end')
  }

  /** Returns the characters that an expression of one character takes; those of ASCII are asked for once. */
  #character(text: string): RegexNode {
    const { ignoreCase, dotAll } = this.#flags
    const regex = javaRegExp(`${dotAll ? '(?s)' : ''}${text}`, { whole: true, ignoreCase })
    const known = new Map<string, boolean>()
    const takes = (character: string): boolean => {
      let result = known.get(character)
      if (result === undefined) {
        result = regex.test(character)
        if (known.size < 256) known.set(character, result)
      }
      return result
    }
    return { kind: 'character', takes }
  }

  #first(): string {
    return this.#pattern.charAt(this.#at)
  }

  #takes(character: string): boolean {
    if (this.#first() !== character) return false
    this.#at += 1
    return true
  }

  #invalid(reason: string): ConfigError {
    return invalid(this.#pattern, reason)
  }
}

function boundsOf(
  whole: string,
  from: string | undefined,
  comma: string | undefined,
  to: string | undefined,
): readonly [least: number, most: number | null] {
  if (from === undefined) {
    const sign = whole.charAt(0)
    return [sign === '+' ? 1 : 0, sign === '?' ? 1 : null]
  }
  if (comma === undefined) return [Number(from), Number(from)]
  return [Number(from), to === undefined || to === '' ? null : Number(to)]
}
