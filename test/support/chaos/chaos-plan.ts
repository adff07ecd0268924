import { seededRandom } from '../seeded-random.ts'
import { connectorNames } from './chaos-connectors.ts'

/** A request of an operator. */
export type Call =
  | {
      readonly type: 'create'
      readonly name: string
      readonly tag: number
      readonly tasks: number
      readonly state: 'RUNNING' | 'PAUSED' | 'STOPPED' | null
    }
  | { readonly type: 'put'; readonly name: string; readonly tag: number; readonly tasks: number }
  | { readonly type: 'patch'; readonly name: string; readonly tag: number }
  | { readonly type: 'pause' | 'resume' | 'stop' | 'delete'; readonly name: string }
  | { readonly type: 'restart'; readonly name: string; readonly includeTasks: boolean; readonly onlyFailed: boolean }
  | { readonly type: 'restart-task'; readonly name: string; readonly task: number }
  | { readonly type: 'read-offsets' | 'reset-offsets'; readonly name: string }
  /** Moves the offsets back to this share of what they are. */
  | { readonly type: 'alter-offsets'; readonly name: string; readonly share: number }

/** A request, and the worker that gets it. */
export interface SentCall {
  readonly worker: number
  readonly call: Call
}

/** Calls one after another; those of one batch are sent at once. */
export type Batches = readonly (readonly SentCall[])[]

/** What happens to the group. */
export type Fault =
  | { readonly type: 'kill'; readonly worker: number }
  | { readonly type: 'freeze'; readonly worker: number; readonly pending: Call }
  | { readonly type: 'terminate'; readonly worker: number }
  | { readonly type: 'roll' }
  | { readonly type: 'kill-broker'; readonly downMs: number }

export type Step =
  | { readonly type: 'calls'; readonly batches: Batches }
  /** `during` is sent when the fault begins, `later` once the group has noticed it. */
  | { readonly type: 'fault'; readonly fault: Fault; readonly during: Batches; readonly later: Batches }

export interface ChaosPlan {
  readonly seed: number
  readonly steps: number
  /** `graceful`: workers are stopped only with SIGTERM, and nothing may be repeated without a word in the logs. */
  readonly faults: 'graceful' | 'violent'
}

export const workerCount = 3
const stepsPerFault = 4

/** All steps of a run: the plan alone determines them. */
export function planSteps(plan: ChaosPlan): readonly Step[] {
  return new Planner(plan).steps()
}

class Planner {
  readonly #plan: ChaosPlan
  readonly #random: () => number
  #tag = 0

  constructor(plan: ChaosPlan) {
    this.#plan = plan
    this.#random = seededRandom(plan.seed)
  }

  steps(): readonly Step[] {
    const first = connectorNames.map((name) => [this.#sent(this.#put(name))])
    const others = Array.from({ length: this.#plan.steps }, (_, i): Step => {
      if (i % stepsPerFault !== stepsPerFault - 1) return { type: 'calls', batches: this.#action() }
      return { type: 'fault', fault: this.#fault(), during: this.#action(), later: this.#action() }
    })
    return [{ type: 'calls', batches: first }, ...others]
  }

  #fault(): Fault {
    const worker = this.#below(workerCount)
    const graceful: readonly Fault[] = [{ type: 'terminate', worker }, { type: 'roll' }]
    if (this.#plan.faults === 'graceful') return this.#one(graceful)
    return this.#one<Fault>([
      { type: 'kill', worker },
      { type: 'kill', worker },
      { type: 'freeze', worker, pending: this.#put(this.#name()) },
      { type: 'freeze', worker, pending: { type: 'pause', name: this.#name() } },
      { type: 'kill-broker', downMs: 100 + this.#below(2_000) },
      ...graceful,
    ])
  }

  /** What an operator does next. */
  #action(): Batches {
    const name = this.#name()
    const alone = (call: Call): Batches => [[this.#sent(call)]]
    const actions: readonly (readonly [weight: number, action: () => Batches])[] = [
      [2, () => alone({ ...this.#put(name), type: 'create', state: this.#initialState() })],
      [3, () => alone(this.#put(name))],
      [2, () => alone({ type: 'patch', name, tag: this.#nextTag() })],
      [2, () => alone({ type: 'pause', name })],
      [4, () => alone({ type: 'resume', name })],
      [1, () => alone({ type: 'stop', name })],
      [3, () => alone({ type: 'restart', name, includeTasks: this.#flip(), onlyFailed: this.#flip() })],
      [2, () => alone({ type: 'restart-task', name, task: this.#below(3) })],
      [1, () => alone({ type: 'delete', name })],
      [2, () => [...alone({ type: 'delete', name }), ...alone(this.#put(name))]],
      [2, () => [[this.#sent(this.#put(name)), this.#sent(this.#put(name))]]],
      [1, () => alone(this.#offsets(name))],
      [2, () => this.#whileStopped(name)],
    ]
    const total = actions.reduce((sum, [weight]) => sum + weight, 0)
    let at = this.#random() * total
    const chosen = actions.find(([weight]) => (at -= weight) < 0)
    return chosen?.[1]() ?? []
  }

  #whileStopped(name: string): Batches {
    const calls: Call[] = [{ type: 'stop', name }, { type: 'read-offsets', name }, this.#offsets(name)]
    if (this.#random() < 0.7) calls.push({ type: 'resume', name })
    return calls.map((call) => [this.#sent(call)])
  }

  #offsets(name: string): Call {
    return this.#flip() ? { type: 'reset-offsets', name } : { type: 'alter-offsets', name, share: this.#random() }
  }

  #initialState(): 'RUNNING' | 'PAUSED' | 'STOPPED' | null {
    return this.#one(['RUNNING', 'PAUSED', 'STOPPED', null, null] as const)
  }

  #put(name: string): Extract<Call, { type: 'put' }> {
    return { type: 'put', name, tag: this.#nextTag(), tasks: 1 + this.#below(3) }
  }

  #sent(call: Call): SentCall {
    return { worker: this.#below(workerCount), call }
  }

  #name(): string {
    return this.#one(connectorNames)
  }

  #nextTag(): number {
    this.#tag += 1
    return this.#tag
  }

  #flip(): boolean {
    return this.#random() < 0.5
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #one<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T
  }
}
