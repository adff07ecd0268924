import { backoffMs } from '../../foundation/async/backoff.ts'
import { settledWithin, withDeadline } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import type { Logger } from '../../foundation/logging/logger.ts'

/** Returns the connector classes of the worker at a REST URL: `GET /connector-plugins`. */
export type ListClasses = (url: string, signal: AbortSignal) => Promise<readonly string[]>

export interface MemberPluginsOptions {
  readonly listClasses: ListClasses
  readonly clock: Clock
  readonly logger: Logger
}

interface Member {
  readonly url: string
  /** Null: not known yet. */
  classes: ReadonlySet<string> | null
  readonly ended: AbortController
}

/** How long a rebalance waits for the classes of new members. They are asked on while it continues. */
const waitMs = 500
const requestMs = 10_000
const retryBackoff = { initialMs: 500, maxMs: 60_000 }

/**
 * The connector classes of the other members of a group, for its leader. The protocol of the group does not carry them, so each
 * member is asked over REST, once: its plugins do not change while it runs.
 */
export class MemberPlugins {
  readonly #options: MemberPluginsOptions
  readonly #onLearned: () => void
  readonly #members = new Map<string, Member>()

  /** @param onLearned the classes of a member became known after a rebalance had stopped to wait for them */
  constructor(options: MemberPluginsOptions, onLearned: () => void) {
    this.#options = options
    this.#onLearned = onLearned
  }

  /** These are the other members now. Waits for a short time for the classes of those that are new. */
  async update(members: readonly { readonly memberId: string; readonly url: string }[]): Promise<void> {
    const current = new Set(members.map(({ memberId }) => memberId))
    for (const memberId of this.#members.keys()) if (!current.has(memberId)) this.#forget(memberId)
    const asked = members.filter(({ memberId }) => !this.#members.has(memberId)).map((member) => this.#ask(member))
    if (asked.length > 0) await settledWithin(this.#options.clock, waitMs, Promise.all(asked))
  }

  /** Returns whether a member has one of these classes; true while that is not known. */
  has(memberId: string, names: readonly string[]): boolean {
    const classes = this.#members.get(memberId)?.classes ?? null
    return classes === null || names.some((name) => classes.has(name))
  }

  /** This worker does not lead any more. */
  clear(): void {
    for (const memberId of this.#members.keys()) this.#forget(memberId)
  }

  #forget(memberId: string): void {
    this.#members.get(memberId)?.ended.abort()
    this.#members.delete(memberId)
  }

  /** Resolves after the first attempt; others follow until one succeeds. */
  async #ask({ memberId, url }: { readonly memberId: string; readonly url: string }): Promise<void> {
    const member: Member = { url, classes: null, ended: new AbortController() }
    this.#members.set(memberId, member)
    if (await this.#attempt(member, 1)) return
    void this.#retry(member)
  }

  async #retry(member: Member): Promise<void> {
    const { signal } = member.ended
    for (let attempt = 2; !signal.aborted; attempt += 1) {
      await this.#options.clock.sleep(backoffMs(retryBackoff, attempt - 1), signal).catch(() => undefined)
      if (!signal.aborted && (await this.#attempt(member, attempt))) this.#onLearned()
      if (member.classes !== null) return
    }
  }

  async #attempt(member: Member, attempt: number): Promise<boolean> {
    const { listClasses, clock, logger } = this.#options
    try {
      const deadline = { clock, ms: requestMs, signal: member.ended.signal }
      const classes = await withDeadline(deadline, async (signal) => await listClasses(member.url, signal))
      member.classes = new Set(classes)
      return true
    } catch (error) {
      // A worker joins its group shortly before it serves requests.
      if (attempt === 4 && !member.ended.signal.aborted)
        logger.warn(
          `the connector classes of the worker at ${member.url} are not known, so that it may be assigned connectors that it does not have: ${errorMessage(error)}`,
        )
      return false
    }
  }
}
