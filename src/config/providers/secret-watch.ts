import { backoffMs, type Backoff } from '../../foundation/async/backoff.ts'
import type { Clock } from '../../foundation/clock.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { ReferenceResolver } from './config-providers.ts'
import type { ResolvedReferences } from './resolved-references.ts'

/** The outcome of reading secrets again. It has no values: it leaves the thread (I8). */
export type SecretRefresh =
  | { readonly outcome: 'unchanged' }
  | { readonly outcome: 'changed'; readonly references: readonly string[] }
  /** `reason` says why, for each reference. */
  | { readonly outcome: 'failed'; readonly reason: string }

export interface SecretWatchOptions {
  /** With the values that are in use. */
  readonly inUse: ResolvedReferences
  readonly resolver: ReferenceResolver
  readonly clock: Clock
  readonly onRefresh: (refresh: SecretRefresh) => void
  /** In [0, 1); spreads the requests of tasks that have started together. */
  readonly random?: () => number
}

/** References with the same TTL, which are read together. */
interface Group {
  readonly ttlMs: number
  readonly references: readonly string[]
  failures: number
}

/** Secrets are read again at most this often, and at least this often if they have a TTL. Milliseconds. */
const minTtlMs = 1_000
const maxTtlMs = 24 * 3600 * 1_000
/** The pause after a failure, if the TTL is longer. */
const retryBackoff: Backoff = { initialMs: 2_000, maxMs: 60_000 }
/** By which part of the TTL the requests are spread. */
const spread = 0.1

/**
 * Reads the secrets that are in use again when their TTL is over, and compares them in the thread that uses them. It
 * ends with the first change, because what uses the secret is to be restarted with it.
 */
export class SecretWatch {
  readonly #options: SecretWatchOptions
  readonly #end = new AbortController()
  readonly #timers = new Map<Group, () => void>()
  /** Why secrets could not be read again. */
  readonly #failed = new Map<Group, string>()

  constructor(options: SecretWatchOptions) {
    this.#options = options
    for (const [ttlMs, references] of options.inUse.expiring) this.#schedule({ ttlMs, references, failures: 0 })
  }

  close(): void {
    this.#end.abort()
    for (const cancel of this.#timers.values()) cancel()
    this.#timers.clear()
  }

  #schedule(group: Group): void {
    const { clock, random = Math.random } = this.#options
    const ttlMs = Math.min(Math.max(group.ttlMs, minTtlMs), maxTtlMs)
    const ms =
      group.failures === 0
        ? ttlMs * (1 + spread * random())
        : Math.min(ttlMs, backoffMs(retryBackoff, group.failures, random()))
    this.#timers.set(
      group,
      clock.after(ms, () => void this.#refresh(group)),
    )
  }

  async #refresh(group: Group): Promise<void> {
    const { resolver, onRefresh } = this.#options
    const { signal } = this.#end
    const asked = Object.fromEntries(group.references.map((text) => [text, text]))
    let changed: readonly string[] = []
    let problem: string | null
    try {
      const found = await resolver.resolve([asked], signal)
      changed = group.references.filter((text) => this.#differs(text, found))
      problem = problemsOf(group.references, found)
    } catch (error) {
      problem = errorMessage(error)
    }
    if (signal.aborted) return
    if (changed.length > 0) {
      this.close()
      onRefresh({ outcome: 'changed', references: changed })
      return
    }
    group.failures = problem === null ? 0 : group.failures + 1
    if (problem === null) this.#failed.delete(group)
    else this.#failed.set(group, problem)
    const reason = [...this.#failed.values()].join('; ')
    onRefresh(reason === '' ? { outcome: 'unchanged' } : { outcome: 'failed', reason })
    if (!signal.aborted) this.#schedule(group)
  }

  #differs(text: string, found: ResolvedReferences): boolean {
    const before = this.#options.inUse.lookup(text)
    const now = found.lookup(text)
    return (
      before !== undefined && 'value' in before && now !== undefined && 'value' in now && before.value !== now.value
    )
  }
}

function problemsOf(references: readonly string[], found: ResolvedReferences): string | null {
  const problems = references.flatMap((text) => {
    const lookup = found.lookup(text)
    return lookup !== undefined && 'problem' in lookup ? [`${text}: ${lookup.problem}`] : []
  })
  return problems.length === 0 ? null : problems.join('; ')
}

/** Returns whether a connector is restarted when its secrets change (`config.action.reload`). */
export function reloads(config: Readonly<Record<string, string>>): boolean {
  return (config['config.action.reload'] ?? 'restart').trim() !== 'none'
}

/** The code of the condition that secrets could not be read again. */
export const refreshCode = 'SECRET_REFRESH'

/** Returns the text of this condition. */
export function refreshProblem(reason: string): string {
  return `secrets could not be read again; their last values are used: ${reason}`
}

/** Returns why something restarts. */
export function changedSecrets(references: readonly string[]): string {
  const [first, ...others] = references
  const rest = others.length === 0 ? '' : ` and ${others.length} more`
  return `the value of ${first}${rest} has changed`
}
