/** A request that writes a value: `null` is none, as after a deletion. */
interface Write {
  readonly value: string | null
  /** Whether it was done; null: the response does not say. */
  readonly done: boolean | null
  readonly startedAt: number
  /** When it can take effect no more. */
  readonly endedAt: number
}

/**
 * What requests have written, by a name such as that of a connector. A write that was acknowledged holds until a later one:
 * what does not is lost, or was overwritten by an earlier one.
 */
export class AcknowledgedWrites {
  readonly #writes = new Map<string, Write[]>()

  add(name: string, write: Write): void {
    const writes = this.#writes.get(name)
    if (writes === undefined) this.#writes.set(name, [write])
    else writes.push(write)
  }

  /** The values that may be found now: the last that was acknowledged, and those whose order to it is not known. */
  possible(name: string): readonly (string | null)[] {
    const writes = (this.#writes.get(name) ?? []).filter(({ done }) => done !== false)
    const acknowledged = writes.filter(({ done }) => done === true)
    const last = acknowledged.toSorted((a, b) => a.endedAt - b.endedAt).at(-1)
    const since = last?.startedAt ?? 0
    const values = writes.filter(({ endedAt }) => endedAt >= since).map(({ value }) => value)
    return last === undefined ? [null, ...values] : values
  }
}
