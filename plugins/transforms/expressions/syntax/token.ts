import type { Language } from './nodes.ts'

/** A text, and the tokens of the expressions in it. */
export interface Quoted {
  readonly parts: readonly (string | readonly Token[])[]
}

/** A word, number, text or operator of an expression. */
export type Token = { readonly at: number; readonly newline: boolean } & (
  | { readonly kind: 'name' | 'operator' | 'end'; readonly text: string }
  | { readonly kind: 'number'; readonly text: string; readonly suffix: string }
  | ({ readonly kind: 'quoted'; readonly text: string } & Quoted)
  | { readonly kind: 'regex'; readonly text: string; readonly flags: string }
)

/** Tokens, and the position after them. */
export interface Tokens {
  readonly tokens: readonly Token[]
  readonly end: number
}

/** A reader of tokens from a position. `braced` tokens end at an unmatched `}`. */
export interface TokenReader {
  readonly source: string
  readonly language: Language
  read(from: number, braced: boolean, depth: number): Tokens
}
