import { troubleOf } from '../../diagnosis/catalogue/catalogue.ts'
import { traceEntries } from '../../diagnosis/trace-entries.ts'

/** Since when connectors and tasks have their states, and what their traces say: as far as this worker has seen it begin. */
export class StatusAges {
  /** By the text of an id: times in milliseconds of the epoch, by state and code. */
  readonly #times = new Map<string, ReadonlyMap<string, number>>()

  /** @param task null: the connector itself */
  note(
    connector: string,
    task: number | null,
    status: { readonly state: string; readonly trace: string | null },
    now: number,
  ): void {
    const key = keyOf(connector, task)
    const before = this.#times.get(key)
    const standing = [status.state, ...codesIn(status.trace)]
    this.#times.set(key, new Map(standing.map((name) => [name, before?.get(name) ?? now])))
  }

  forget(connector: string, task: number | null): void {
    this.#times.delete(keyOf(connector, task))
  }

  /** @param name a state, or a code of the catalogue */
  since(connector: string, task: number | null, name: string): number | null {
    return this.#times.get(keyOf(connector, task))?.get(name) ?? null
  }
}

function codesIn(trace: string | null): readonly string[] {
  return traceEntries(trace).flatMap((entry) => troubleOf(entry)?.code ?? entry.code ?? [])
}

function keyOf(connector: string, task: number | null): string {
  return task === null ? connector : `${connector}\n${task}`
}
