import { EventQueue, type EventReceiver, type SimulatedEvent } from './event-queue.ts'
import type { Trace } from './trace.ts'

/**
 * The time of a simulation, in milliseconds from its start. It stands still while any code runs, and moves to the next event
 * when nothing is left to do: after each event, all microtasks and one round of the event loop complete. No real timer and no
 * real socket takes part, so the order in which things happen depends on the events alone.
 */
export class Timeline {
  readonly trace: Trace
  readonly #events = new EventQueue()
  #nowMs = 0
  #order = 0

  constructor(trace: Trace) {
    this.trace = trace
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** Schedules an event. Returns a function that cancels it. */
  schedule(actor: EventReceiver, delayMs: number, what: string, action: () => void): () => void {
    this.#order += 1
    const event: SimulatedEvent = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#order,
      actor,
      what,
      action,
    }
    this.#events.add(event)
    return () => {
      event.action = null
    }
  }

  /** Lets an event that was held back happen now. */
  release(event: SimulatedEvent): void {
    this.#order += 1
    event.atMs = this.#nowMs
    event.order = this.#order
    this.#events.add(event)
  }

  /** Lets events happen until `isOver`, or until there are none. */
  async run(isOver: () => boolean): Promise<void> {
    await turn()
    while (!isOver()) {
      const event = this.#events.take()
      if (event === undefined) return
      if (event.action === null || !event.actor.admits(event)) continue
      this.#nowMs = event.atMs
      this.trace.add(event.atMs, event.actor.name, event.what)
      event.action()
      await turn()
    }
  }
}

/** One round of the event loop, before which all microtasks complete. */
async function turn(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve)
  })
}
