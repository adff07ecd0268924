import { withDeadline } from '../../../src/foundation/async/deadline.ts'
import { NotLeaderError } from '../../../src/herder/herder-errors.ts'
import type { WorkerHerder } from '../../../src/herder/worker-herder.ts'
import type { Actor } from '../world/actor.ts'
import type { Simulation } from '../world/simulation.ts'

/** A request did not reach a worker: nothing has happened. */
export class UnreachedError extends Error {
  override readonly name = 'UnreachedError'
}

/** A worker, as far as its REST API needs it. */
export interface RestWorker {
  readonly main: Actor
  /** Null: it is starting. */
  readonly herder: WorkerHerder | null
}

/** Part of the REST API: what a request does on a worker. */
export type Request<T> = (herder: WorkerHerder, signal: AbortSignal) => Promise<T>

type Action<T> = (worker: RestWorker, signal: AbortSignal) => Promise<T>

interface Exchange<T> {
  readonly action: Action<T>
  readonly resolve: (result: T) => void
  readonly reject: (error: unknown) => void
}

/** The time limit of a request on a worker, as in `src/rest`. */
const requestMs = 90_000
/** How long a client waits for the response. */
const clientMs = 95_000
const maxHops = 2
/** How often a message is sent again to a host that is cut off. */
const resendMs = 200

/**
 * A model of the REST API between workers and of its clients: each request and each response is a message that takes time and
 * can be lost. A worker that does not lead forwards what only the leader can do.
 */
export class RestNetwork {
  readonly #simulation: Simulation
  /** Workers by their URL. */
  readonly #workers = new Map<string, RestWorker>()

  /** Requests that a worker has received and not responded to. */
  readonly #open = new Map<object, { readonly what: string; readonly worker: RestWorker }>()

  constructor(simulation: Simulation) {
    this.#simulation = simulation
  }

  /** Requests that workers have received and not responded to. */
  get open(): readonly string[] {
    return [...this.#open.values()].filter(({ worker }) => !worker.main.hasEnded).map(({ what }) => what)
  }

  /** A worker listens at a URL. */
  listen(url: string, worker: RestWorker): void {
    this.#workers.set(url, worker)
  }

  /**
   * Sends a request as a client of the REST API.
   * @throws UnreachedError, what the herder throws, or DeadlineExceededError, after which the outcome is unknown
   */
  async request<T>(from: Actor, url: string, request: Request<T>): Promise<T> {
    return await this.#forwarded(from, url, { request, hops: 0 })
  }

  /** Sends a request that is not forwarded. @throws as {@link request} */
  async send<T>(from: Actor, url: string, action: Action<T>): Promise<T> {
    return await withDeadline({ clock: from.clock, ms: clientMs }, async () => {
      const { promise, resolve, reject } = Promise.withResolvers<T>()
      this.#deliver(from, url, { action, resolve, reject })
      return await promise
    })
  }

  #deliver<T>(from: Actor, url: string, exchange: Exchange<T>): void {
    const { action, resolve, reject } = exchange
    const worker = this.#workers.get(url)
    if (worker === undefined || worker.main.hasEnded) {
      this.#transmit({ from, to: from }, 'refused', () => reject(new UnreachedError(`nothing listens at ${url}`)))
      return
    }
    const { main } = worker
    let isOver = false
    const respond = (what: string, settle: () => void): void => {
      if (isOver) return
      isOver = true
      this.#open.delete(exchange)
      this.#transmit({ from: main, to: from }, what, settle)
    }
    main.atEnd(() => respond('reset', () => reject(new Error(`the connection to ${main.name} was reset`))))
    this.#transmit({ from, to: main }, 'request', () => {
      this.#open.set(exchange, { what: `a request from ${from.name} to ${main.name}`, worker })
      withDeadline({ clock: main.clock, ms: requestMs }, async (signal) => await action(worker, signal)).then(
        (result) => respond('response', () => resolve(result)),
        (error: unknown) => respond('error', () => reject(error)),
      )
    })
  }

  /** Sends a message. As over TCP, one to a host that is cut off arrives when the cut is over. */
  #transmit(ends: { readonly from: Actor; readonly to: Actor }, what: string, receive: () => void): void {
    const { network } = this.#simulation
    const { from, to } = ends
    to.schedule(network.delayMs(), `${what} from ${from.name}`, () => {
      if (network.isCut(from.host, to.host)) to.schedule(resendMs, 'resent', () => this.#transmit(ends, what, receive))
      else receive()
    })
  }

  async #forwarded<T>(
    from: Actor,
    url: string,
    { request, hops }: { readonly request: Request<T>; readonly hops: number },
  ): Promise<T> {
    return await this.send(from, url, async (worker, signal) => {
      const { herder, main } = worker
      if (herder === null) throw new UnreachedError(`${url} is starting`)
      try {
        return await request(herder, signal)
      } catch (error) {
        if (!(error instanceof NotLeaderError)) throw error
        if (error.leaderUrl === null || hops >= maxHops) throw new UnreachedError('no leader is known')
        return await this.#forwarded(main, error.leaderUrl, { request, hops: hops + 1 })
      }
    })
  }
}
