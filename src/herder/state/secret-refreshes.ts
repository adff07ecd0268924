import type { SecretRefresh } from '../../config/providers/secret-watch.ts'
import type { LabelledSample } from '../../runtime/metrics/prometheus-text.ts'

type Outcome = SecretRefresh['outcome']

/** How often secrets of the connectors and tasks of this worker were read again, by outcome. */
export class SecretRefreshes {
  readonly #counts = new Map<string, Map<Outcome, number>>()

  count(connector: string, { outcome }: SecretRefresh): void {
    const counts = this.#counts.get(connector) ?? new Map<Outcome, number>()
    this.#counts.set(connector, counts.set(outcome, (counts.get(outcome) ?? 0) + 1))
  }

  /** Forgets connectors that are not configured any more. */
  samples(isConfigured: (connector: string) => boolean): readonly LabelledSample[] {
    for (const connector of this.#counts.keys()) if (!isConfigured(connector)) this.#counts.delete(connector)
    return [...this.#counts].flatMap(([connector, counts]) =>
      [...counts].map(([outcome, value]) => ({
        sample: {
          kind: 'counter' as const,
          name: 'secret_refreshes_total',
          help: 'How often secrets were read again after their TTL, by outcome: unchanged, changed, failed',
          value,
        },
        labels: { connector, outcome },
      })),
    )
  }
}
