import type { ConfigProblem, RawConfig } from '../../api/config-def.ts'
import { ConfigError, RetriableError } from '../../api/errors.ts'
import { providerReferences, replaceReferences } from './provider-reference.ts'

/** A value that a config provider has returned. It must not leave the process (I8). */
export interface ResolvedSecret {
  /** As in the config, with `${` and `}`. */
  readonly reference: string
  readonly value: string
}

/** The value of a reference, and for how long it can be used in milliseconds, if not until a restart. */
export interface FoundValue {
  readonly value: string
  readonly ttlMs?: number
}

/** The value of a reference, or why there is none, as the end of a sentence, and whether it may have one later. */
export type Lookup = FoundValue | { readonly problem: string; readonly isRetriable: boolean }

interface Failure extends ConfigProblem {
  readonly isRetriable: boolean
}

/** The code of an error for a config with a reference that cannot be resolved. */
export const unresolvedCode = 'REFERENCE_UNRESOLVED'

/** The references of some configs with their values. */
export class ResolvedReferences {
  readonly #lookups: ReadonlyMap<string, Lookup>

  /** @param lookups by the text of the reference */
  constructor(lookups: ReadonlyMap<string, Lookup>) {
    this.#lookups = lookups
  }

  /** As in the configs, also those without a value. */
  get texts(): readonly string[] {
    return [...this.#lookups.keys()]
  }

  get secrets(): readonly ResolvedSecret[] {
    return [...this.#lookups].flatMap(([reference, lookup]) =>
      'value' in lookup ? [{ reference, value: lookup.value }] : [],
    )
  }

  /** The references whose values can be used for a limited time, by this time in milliseconds. */
  get expiring(): ReadonlyMap<number, readonly string[]> {
    const found = new Map<number, string[]>()
    for (const [text, lookup] of this.#lookups) {
      if ('value' in lookup && lookup.ttlMs !== undefined)
        found.set(lookup.ttlMs, [...(found.get(lookup.ttlMs) ?? []), text])
    }
    return found
  }

  /** Returns what was found for a reference; undefined if it was not looked up. */
  lookup(text: string): Lookup | undefined {
    return this.#lookups.get(text)
  }

  /** Returns the text with values for references. A reference without a value stays. */
  text(text: string): string {
    return replaceReferences(text, (reference) => {
      const lookup = this.#lookups.get(reference)
      return lookup !== undefined && 'value' in lookup ? lookup.value : reference
    })
  }

  /** Returns the config with values for references. A reference without a value stays. */
  config<T extends string | null>(config: Readonly<Record<string, T>>): Readonly<Record<string, T>> {
    return Object.fromEntries(
      Object.entries(config).map(([key, value]) => [key, value === null ? value : (this.text(value) as T)]),
    )
  }

  /** Returns a problem for each reference of the config that has no value. */
  problems(config: Readonly<Record<string, string | null>>): readonly ConfigProblem[] {
    return this.#failures(config).map(({ key, message }) => ({ key, message }))
  }

  /**
   * Returns the config with values for all references.
   * @throws ConfigError REFERENCE_UNRESOLVED; RetriableError with the same code when all of them may be resolved later
   */
  complete(config: RawConfig): RawConfig {
    const failures = this.#failures(config)
    if (failures.length === 0) return this.config(config)
    const message = failures.map((failure) => failure.message).join('\n')
    const details = { code: unresolvedCode }
    throw failures.every(({ isRetriable }) => isRetriable)
      ? new RetriableError(message, details)
      : new ConfigError(message, details)
  }

  #failures(config: Readonly<Record<string, string | null>>): readonly Failure[] {
    return Object.entries(config).flatMap(([key, value]) => {
      const references = new Map(providerReferences(value ?? '').map((reference) => [reference.text, reference]))
      return [...references.values()].flatMap(({ text, provider }) => {
        const lookup = this.#lookups.get(text)
        if (lookup === undefined || 'value' in lookup) return []
        const message = `Configuration "${key}": the reference ${text} cannot be resolved by config provider "${provider}": ${lookup.problem}`
        return [{ key, message, isRetriable: lookup.isRetriable }]
      })
    })
  }
}
