import type { LabelledSample, Sample } from '../../foundation/metrics/meters.ts'

/** Whether the embedded broker or the worker has raised a condition. */
export type ConditionOwner = 'broker' | 'worker'

function gauge(owner: ConditionOwner): Sample {
  return owner === 'broker'
    ? { kind: 'gauge', name: 'broker_condition', help: 'A named condition of the embedded broker stands', value: 1 }
    : { kind: 'gauge', name: 'worker_condition', help: 'A named condition of the worker stands', value: 1 }
}

/** The conditions of the worker and of its embedded broker. GET /health, GET /metrics and GET /diagnosis read them here, so they agree. */
export class WorkerConditions {
  readonly #parts: { readonly owner: ConditionOwner; readonly standing: () => ReadonlyMap<string, string> }[] = []

  /** @param standing returns the current conditions: texts by code */
  add(owner: ConditionOwner, standing: () => ReadonlyMap<string, string>): void {
    this.#parts.push({ owner, standing })
  }

  /** Each code once: if several parts have raised it, with the text of the first of them. */
  standing(): readonly { readonly code: string; readonly text: string }[] {
    const texts = new Map<string, string>()
    for (const { standing } of this.#parts)
      for (const [code, text] of standing()) if (!texts.has(code)) texts.set(code, text)
    return [...texts].map(([code, text]) => ({ code, text }))
  }

  /** `CODE: text` for GET /health. */
  lines(): readonly string[] {
    return this.standing().map(({ code, text }) => `${code}: ${text}`)
  }

  /** The gauges `broker_condition` and `worker_condition`, 1 for each code. */
  samples(): readonly LabelledSample[] {
    const samples = new Map<string, LabelledSample>()
    for (const { owner, standing } of this.#parts)
      for (const code of standing().keys()) samples.set(`${owner} ${code}`, { sample: gauge(owner), labels: { code } })
    return [...samples.values()]
  }
}
