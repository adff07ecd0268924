import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { produce } from '../../../src/protocol/messages/produce.ts'
import type { TaskStart } from '../../../src/runtime/task-run.ts'
import { formatTaskId } from '../../../src/config/connector/task-id.ts'
import type { ObservedRun } from '../oracles/ownership.ts'
import { Actor } from '../world/actor.ts'
import type { Surroundings } from './surroundings.ts'

export const dataTopic = 'data'

export interface TaskRunOptions {
  readonly around: Surroundings
  readonly worker: string
  readonly start: TaskStart
  readonly number: number
  /** Whether the lease of its worker is valid. */
  readonly mayWrite: () => boolean
}

/** One run of a task in a thread of its own: it writes records through the real client, as long as the lease of its worker allows. */
export class TaskRun implements ObservedRun {
  readonly task: string
  readonly name: string
  readonly start: TaskStart
  readonly actor: Actor
  readonly mayWrite: () => boolean
  readonly #around: Surroundings
  readonly #stopping = new AbortController()
  #working: Promise<void> = Promise.resolve()
  #isPaused: boolean

  constructor({ around, worker, start, number, mayWrite }: TaskRunOptions) {
    this.#around = around
    this.start = start
    this.mayWrite = mayWrite
    this.task = formatTaskId(start.id)
    this.name = `${this.task}#${number} on ${worker}`
    this.actor = new Actor(around.simulation.timeline, this.name, worker)
    this.#isPaused = start.paused
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  begin(): void {
    if (this.actor.hasEnded) return
    this.#around.ownership.began(this)
    this.#working = this.#work().catch((error: unknown) => {
      if (!this.#stopping.signal.aborted) this.#around.simulation.violated(`${this.name} failed: ${String(error)}`)
    })
  }

  setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused
  }

  /** Flushes and ends. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the task stops'))
    await this.#working
  }

  /** The thread is gone: immediately, whatever it does. */
  end(): void {
    if (this.actor.hasEnded) return
    this.actor.end()
    this.#around.simulation.network.close(this.actor)
    this.#around.ownership.ended(this)
  }

  async #work(): Promise<void> {
    const { simulation, bootstrapServers } = this.#around
    const { signal } = this.#stopping
    const { clock } = this.actor
    const random = simulation.random.fork(this.name)
    const client = await KafkaClient.connect({
      bootstrapServers,
      clientId: this.name.replaceAll(' ', '-'),
      clock,
      logger: simulation.logger.child(this.name),
      mayWrite: this.mayWrite,
      dial: simulation.network.dialOf(this.actor, (bytes) => this.#onSend(bytes)),
      signal,
    })
    const values: string[] = []
    const producer = client.producer({
      onAcknowledged: (tokens) => {
        for (const token of tokens) this.#around.acknowledged.records.add(values[token] ?? '')
      },
      onFailed: () => undefined,
    })
    while (!signal.aborted) {
      if (!this.#isPaused) {
        const value = `${this.name} ${values.length}`
        const record = { topic: dataTopic, partition: 0, key: null, headers: [], timestamp: null }
        producer.append({ ...record, value: Buffer.from(value) }, values.push(value) - 1)
      }
      await clock.sleep(random.between(200, 1500), signal).catch(() => undefined)
    }
    const isSlow = !simulation.isCalm && random.chance(0.1)
    await clock.sleep(random.between(0, isSlow ? 8000 : 50))
    await producer.close()
    await client.close()
  }

  /** A chunk begins with a request: its length, then the key of its API. */
  #onSend(bytes: Buffer): void {
    if (bytes.length >= 6 && bytes.readInt16BE(4) === produce.key) this.#around.ownership.wrote(this)
  }
}
