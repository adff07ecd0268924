import { providerReferences } from './provider-reference.ts'
import type { ResolvedReferences, ResolvedSecret } from './resolved-references.ts'
import { formsOf, minSecretLength } from './secret-forms.ts'

/** The maximum number of forms of secrets that are kept (I10). The oldest are forgotten. */
const maxForms = 20_000
/**
 * Messages quote long values in part. A beginning of this length is hidden where the message cuts the value, and everywhere
 * if it is half of the secret. Characters.
 */
const minBeginning = 16
/** The maximum number of causes of an error, which may be a circle. */
const maxCauses = 20
/** Where messages cut a value, besides their end. */
const cuts = ['…', '...']

interface Match {
  readonly start: number
  end: number
  readonly references: Set<string>
}

/**
 * Replaces resolved secrets in texts by their references (I8). What leaves a thread with resolved secrets as an error, a
 * trace, a log line or a metric passes through it. Values shorter than {@link minSecretLength} are not replaced.
 */
export class Redaction {
  /** References by form; the last one that was added is the last. */
  readonly #references = new Map<string, string>()
  /** Texts of configs that stay, whatever secret a part of them is like. */
  readonly #kept = new Set<string>()
  /** The forms by their first characters. */
  readonly #byHead = new Map<string, Set<string>>()

  constructor(secrets: readonly ResolvedSecret[] = []) {
    this.add(secrets)
  }

  /** Whether there is no secret to hide. */
  get isEmpty(): boolean {
    return this.#references.size === 0
  }

  add(secrets: readonly ResolvedSecret[]): void {
    this.keep(secrets.map(({ reference }) => reference))
    for (const { reference, value } of secrets) {
      for (const form of formsOf(value)) {
        this.#forget(form)
        this.#references.set(form, reference)
        const head = form.slice(0, minSecretLength)
        this.#byHead.set(head, (this.#byHead.get(head) ?? new Set<string>()).add(form))
      }
    }
    for (const form of this.#references.keys()) {
      if (this.#references.size <= maxForms) break
      this.#forget(form)
    }
  }

  /** Hides the values of these references, and leaves the references as they are, also those without a value. */
  learn({ texts, secrets }: ResolvedReferences): this {
    this.keep(texts)
    this.add(secrets)
    return this
  }

  /** Leaves these references as they are: configs have them, and a path in one may be like the path in a secret. */
  keep(references: readonly string[]): void {
    for (const reference of references) this.#kept.delete(reference)
    for (const reference of references) this.#kept.add(reference)
    for (const reference of this.#kept) {
      if (this.#kept.size <= maxForms) break
      this.#kept.delete(reference)
    }
  }

  /** Returns whether a secret is in the text, in any form. What is a part of a known reference does not count. */
  holds(text: string): boolean {
    return this.#matches(text, false).length > 0
  }

  text(text: string): string {
    const matches = this.#matches(text, true)
    if (matches.length === 0) return text
    let redacted = ''
    let at = 0
    for (const { start, end, references } of matches) {
      redacted += text.slice(at, start) + [...references].join('')
      at = end
    }
    redacted += text.slice(at)
    // The end of a reference and the text behind it may read like a secret, such as one that begins with a brace.
    return this.holds(redacted) ? '[hidden]' : redacted
  }

  /** Returns the value with all its texts and numbers redacted, also in arrays and objects. */
  value<T>(value: T): T {
    return this.isEmpty ? value : (this.#value(value) as T)
  }

  /** Redacts an error in place, with its causes, and returns it. */
  error<T>(error: T): T {
    for (let at: unknown = error, depth = 0; at instanceof Error && depth < maxCauses; at = at.cause, depth += 1) {
      at.message = this.text(at.message)
      if (at.stack !== undefined) at.stack = this.text(at.stack)
    }
    return error
  }

  #value(value: unknown): unknown {
    if (typeof value === 'string') return this.text(value)
    if (typeof value === 'number') {
      const text = String(value)
      return this.holds(text) ? this.text(text) : value
    }
    if (Array.isArray(value)) return value.map((item) => this.#value(item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [this.text(key), this.#value(item)]))
  }

  /** Returns the places of secrets in order; those that overlap are one. */
  #matches(text: string, withBeginnings: boolean): readonly Match[] {
    const found: Match[] = []
    for (const [head, forms] of this.#byHead) {
      for (let start = text.indexOf(head); start >= 0; start = text.indexOf(head, start + 1)) {
        for (const form of forms) {
          const length = matchLength(text, start, form)
          const isWhole = length === form.length
          if (!isWhole && !(withBeginnings && isTelling(text, start + length, { length, of: form.length }))) continue
          found.push({ start, end: start + length, references: new Set([this.#references.get(form) ?? '']) })
        }
      }
    }
    if (found.length === 0) return found
    const kept = this.#keptIn(text)
    return merged(found.filter(({ start, end }) => !kept.some((range) => range.start <= start && end <= range.end)))
  }

  /** Returns the places of known references. */
  #keptIn(text: string): readonly { readonly start: number; readonly end: number }[] {
    let at = 0
    return providerReferences(text).flatMap((reference) => {
      const start = text.indexOf(reference.text, at)
      at = start + reference.text.length
      return this.#kept.has(reference.text) ? [{ start, end: at }] : []
    })
  }

  #forget(form: string): void {
    if (!this.#references.delete(form)) return
    const head = form.slice(0, minSecretLength)
    const forms = this.#byHead.get(head)
    forms?.delete(form)
    if (forms?.size === 0) this.#byHead.delete(head)
  }
}

function matchLength(text: string, start: number, form: string): number {
  let length = minSecretLength
  while (length < form.length && text[start + length] === form[length]) length += 1
  return length
}

/** Returns whether the beginning of a secret, which ends at `end`, says too much of it. */
function isTelling(
  text: string,
  end: number,
  { length, of }: { readonly length: number; readonly of: number },
): boolean {
  const isCut = end === text.length || cuts.some((cut) => text.startsWith(cut, end))
  const isHalf = length * 2 >= of
  return isCut ? isHalf || length >= minBeginning : isHalf && length >= minBeginning
}

function merged(found: readonly Match[]): readonly Match[] {
  const matches: Match[] = []
  // Of those that begin at one place the longest comes first, and names the reference.
  for (const match of found.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const last = matches.at(-1)
    if (last === undefined || match.start >= last.end) {
      matches.push(match)
      continue
    }
    if (match.end <= last.end) continue
    last.end = match.end
    for (const reference of match.references) last.references.add(reference)
  }
  return matches
}
