import type { Sample } from '../../foundation/metrics/meters.ts'
import type { LabelledSample } from '../../runtime/metrics/prometheus-text.ts'

/** Whose condition it is: the embedded log's, or the worker's own. */
export type ConditionOwner = 'broker' | 'worker'

function gauge(owner: ConditionOwner): Sample {
  return owner === 'broker'
    ? { kind: 'gauge', name: 'broker_condition', help: 'A named condition of the embedded log stands', value: 1 }
    : { kind: 'gauge', name: 'worker_condition', help: 'A named condition of the worker stands', value: 1 }
}

/** What stands of the worker and of its embedded log. GET /health and GET /metrics both read it here, so they cannot differ. */
export class WorkerConditions {
  readonly #parts: { readonly owner: ConditionOwner; readonly standing: () => ReadonlyMap<string, string> }[] = []

  /** @param standing texts by code, as they are when they are asked for. */
  add(owner: ConditionOwner, standing: () => ReadonlyMap<string, string>): void {
    this.#parts.push({ owner, standing })
  }

  /** `CODE: text` for GET /health: each code once. Where several parts raised it, the text of the part that was added first. */
  lines(): readonly string[] {
    const texts = new Map<string, string>()
    for (const { standing } of this.#parts)
      for (const [code, text] of standing()) if (!texts.has(code)) texts.set(code, text)
    return [...texts].map(([code, text]) => `${code}: ${text}`)
  }

  /** The gauges `broker_condition` and `worker_condition`, 1 for each code. */
  samples(): readonly LabelledSample[] {
    const samples = new Map<string, LabelledSample>()
    for (const { owner, standing } of this.#parts)
      for (const code of standing().keys()) samples.set(`${owner} ${code}`, { sample: gauge(owner), labels: { code } })
    return [...samples.values()]
  }
}
