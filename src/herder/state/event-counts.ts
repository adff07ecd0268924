import type { SecretRefresh } from '../../config/providers/secret-watch.ts'
import type { LabelledSample } from '../../foundation/metrics/meters.ts'

interface Count {
  readonly labels: Readonly<Record<string, string>>
  value: number
}

/** How often something has happened to connectors and tasks of this worker, by labels. */
class Counts {
  readonly #byConnector = new Map<string, Map<string, Count>>()

  add(connector: string, labels: Readonly<Record<string, string>>): void {
    const counts = this.#byConnector.get(connector) ?? new Map<string, Count>()
    const key = JSON.stringify(labels)
    const count = counts.get(key) ?? { labels: { connector, ...labels }, value: 0 }
    count.value += 1
    this.#byConnector.set(connector, counts.set(key, count))
  }

  /** Forgets connectors that are not configured any more. */
  list(isConfigured: (connector: string) => boolean): readonly Count[] {
    for (const connector of this.#byConnector.keys()) if (!isConfigured(connector)) this.#byConnector.delete(connector)
    return [...this.#byConnector.values()].flatMap((counts) => Array.from(counts.values()))
  }
}

/** The metrics of what this worker does by itself with its connectors and tasks. */
export class EventCounts {
  readonly #refreshes = new Counts()
  readonly #restarts = new Counts()

  secretsRead(connector: string, { outcome }: SecretRefresh): void {
    this.#refreshes.add(connector, { outcome })
  }

  /** @param task null: the connector itself */
  restarted(connector: string, task: number | null): void {
    this.#restarts.add(connector, task === null ? {} : { task: String(task) })
  }

  samples(isConfigured: (connector: string) => boolean): readonly LabelledSample[] {
    return [
      ...this.#refreshes.list(isConfigured).map(({ labels, value }) => ({
        sample: {
          kind: 'counter' as const,
          name: 'secret_refreshes_total',
          help: 'How often secrets were read again after their TTL, by outcome: unchanged, changed, failed',
          value,
        },
        labels,
      })),
      ...this.#restarts.list(isConfigured).map(({ labels, value }) => ({
        sample: {
          kind: 'counter' as const,
          name: 'automatic_restarts_total',
          help: 'Restarts of a task, or without the label task of a connector, that failed for a reason that may pass',
          value,
        },
        labels,
      })),
    ]
  }
}
