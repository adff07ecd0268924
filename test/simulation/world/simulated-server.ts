import { EventEmitter } from 'node:events'
import type { Server } from 'node:net'

/** The part of `net.Server` that the broker uses. */
export class SimulatedServer extends EventEmitter {
  readonly #open: (port: number) => void
  readonly #close: () => void
  #port = 0

  constructor(open: (port: number) => void, close: () => void) {
    super()
    this.#open = open
    this.#close = close
  }

  /** For code that takes servers of `node:net`. */
  get asServer(): Server {
    return this as unknown as Server
  }

  listen({ port }: { readonly port: number }, onListening: () => void): void {
    this.#port = port
    this.#open(port)
    queueMicrotask(onListening)
  }

  address(): { readonly port: number } {
    return { port: this.#port }
  }

  close(onClosed: () => void): void {
    this.#close()
    queueMicrotask(onClosed)
  }
}
