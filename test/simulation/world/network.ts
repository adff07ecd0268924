import { crc32 } from 'node:zlib'

import type { TcpServerFactory } from '../../../src/broker/server/server.ts'
import type { Dial } from '../../../src/client/connection/plain-socket.ts'
import { Actor } from './actor.ts'
import type { Random } from './random.ts'
import { SimulatedServer } from './simulated-server.ts'
import { SimulatedSocket, type Sent } from './simulated-socket.ts'
import type { Timeline } from './timeline.ts'

/** How long messages take, in milliseconds. */
export interface NetworkDelays {
  readonly leastMs: number
  readonly mostMs: number
  /** The share of messages that take up to `slowMs`. */
  readonly slowShare: number
  readonly slowMs: number
}

type Accept = (socket: SimulatedSocket) => void

interface Listener {
  readonly actor: Actor
  readonly accept: Accept
}

/** One direction of a connection. What is sent arrives in order; different connections overtake each other. */
interface Pipe {
  readonly from: Actor
  readonly to: Actor
  receiver: SimulatedSocket | null
  /** What is on its way. Each arrival takes the first of them. */
  readonly sent: Sent[]
  lastMs: number
  /** Arrivals that wait until the hosts reach each other again. */
  stuck: number
}

interface Connection {
  readonly client: SimulatedSocket
  readonly server: SimulatedSocket
  readonly actors: readonly [Actor, Actor]
  readonly pipes: readonly [Pipe, Pipe]
}

/**
 * The network of a simulation: it delays, cuts hosts off from each other, and ends connections. As TCP, it neither loses nor
 * reorders the bytes of a connection: what is sent to a host that is cut off arrives when the cut is over.
 */
export class Network {
  delays: NetworkDelays
  readonly #timeline: Timeline
  readonly #random: Random
  /** Accepts connections also for a process that is frozen, as the kernel of its machine does. */
  readonly #kernel: Actor
  readonly #listeners = new Map<string, Listener>()
  readonly #connections = new Set<Connection>()
  readonly #cuts = new Set<string>()

  constructor(timeline: Timeline, random: Random, delays: NetworkDelays) {
    this.#timeline = timeline
    this.#random = random
    this.delays = delays
    this.#kernel = new Actor(timeline, 'kernel', 'kernel')
  }

  /** Returns how an actor listens. */
  serverOf(actor: Actor): TcpServerFactory {
    return (onConnection) => {
      let address = ''
      const accept: Accept = (socket) => onConnection(socket.asSocket)
      const server = new SimulatedServer(
        (port) => {
          address = `${actor.host}:${port}`
          this.#listeners.set(address, { actor, accept })
        },
        () => {
          if (this.#listeners.get(address)?.actor === actor) this.#listeners.delete(address)
        },
      )
      return server.asServer
    }
  }

  /** Returns how an actor connects. @param onSend sees the bytes that it sends */
  dialOf(actor: Actor, onSend: (bytes: Buffer) => void = () => undefined): Dial {
    return ({ host, port }, onread) => {
      const address = `${host}:${port}`
      let outgoing: Pipe | null = null
      const send = (sent: Sent): void => {
        if (sent.kind === 'bytes') onSend(sent.bytes)
        if (outgoing !== null) this.#send(outgoing, sent)
      }
      const client = new SimulatedSocket({ remoteAddress: host, onread, send })
      this.#kernel.schedule(this.delayMs(), 'connect', () => {
        if (client.destroyed || actor.hasEnded || this.isCut(actor.host, host)) return
        const listener = this.#listeners.get(address)
        if (listener === undefined) {
          actor.schedule(this.delayMs(), `refused by ${address}`, () => client.destroy(refused(address)))
          return
        }
        outgoing = this.#connect(actor, client, listener)
      })
      return client.asSocket
    }
  }

  /** The hosts do not reach each other from now on. */
  cut(a: string, b: string): void {
    this.#cuts.add(pairOf(a, b))
  }

  /** The hosts reach each other again. */
  join(a: string, b: string): void {
    this.#cuts.delete(pairOf(a, b))
    for (const { pipes } of this.#connections) for (const pipe of pipes) this.#resume(pipe)
  }

  /** Whether the hosts do not reach each other. */
  isCut(a: string, b: string): boolean {
    return this.#cuts.has(pairOf(a, b))
  }

  /** Draws how long a message takes. */
  delayMs(): number {
    const { leastMs, mostMs, slowShare, slowMs } = this.delays
    return this.#random.between(leastMs, this.#random.chance(slowShare) ? slowMs : mostMs)
  }

  /** Ends the connections of a host: both sides learn of it. */
  reset(host: string): void {
    for (const connection of this.#connections) {
      const { client, server, actors } = connection
      if (!actors.some((actor) => actor.host === host)) continue
      this.#connections.delete(connection)
      for (const [socket, actor] of [[client, actors[0]] as const, [server, actors[1]] as const])
        actor.schedule(this.delayMs(), 'reset', () => socket.receive({ kind: 'reset' }))
    }
  }

  /** Ends the connections and listeners of an actor that has ended: what it has sent arrives, then its peers learn of it. */
  close(actor: Actor): void {
    for (const [address, listener] of this.#listeners) if (listener.actor === actor) this.#listeners.delete(address)
    for (const connection of this.#connections) {
      const [ofClient, ofServer] = connection.actors
      if (ofClient !== actor && ofServer !== actor) continue
      const [socket, pipe] =
        ofClient === actor ? [connection.client, connection.pipes[0]] : [connection.server, connection.pipes[1]]
      if (socket.destroyed) continue
      socket.vanish()
      this.#send(pipe, { kind: 'reset' })
    }
  }

  #connect(actor: Actor, client: SimulatedSocket, listener: Listener): Pipe {
    const there: Pipe = { from: actor, to: listener.actor, receiver: null, sent: [], lastMs: 0, stuck: 0 }
    const back: Pipe = { from: listener.actor, to: actor, receiver: client, sent: [], lastMs: 0, stuck: 0 }
    const server = new SimulatedSocket({
      remoteAddress: actor.host,
      onread: null,
      send: (sent) => this.#send(back, sent),
    })
    there.receiver = server
    const connection: Connection = { client, server, actors: [actor, listener.actor], pipes: [there, back] }
    this.#connections.add(connection)
    server.on('error', () => undefined)
    client.once('close', () => this.#forgetIfOver(connection))
    server.once('close', () => this.#forgetIfOver(connection))
    listener.actor.schedule(0, 'accept', () => listener.accept(server))
    actor.schedule(this.delayMs(), 'connected', () => {
      if (!client.destroyed) client.emit('connect')
    })
    return there
  }

  #forgetIfOver(connection: Connection): void {
    if (connection.client.destroyed && connection.server.destroyed) this.#connections.delete(connection)
  }

  #send(pipe: Pipe, sent: Sent): void {
    pipe.sent.push(sent)
    this.#scheduleArrival(pipe)
  }

  #scheduleArrival(pipe: Pipe): void {
    const atMs = Math.max(this.#timeline.nowMs + this.delayMs(), pipe.lastMs)
    pipe.lastMs = atMs
    pipe.to.schedule(atMs - this.#timeline.nowMs, `from ${pipe.from.name}`, () => this.#arrive(pipe))
  }

  #arrive(pipe: Pipe): void {
    if (this.isCut(pipe.from.host, pipe.to.host)) {
      pipe.stuck += 1
      return
    }
    const sent = pipe.sent.shift()
    if (sent === undefined) return
    this.#timeline.trace.add(this.#timeline.nowMs, pipe.to.name, described(sent))
    pipe.receiver?.receive(sent)
  }

  #resume(pipe: Pipe): void {
    if (this.isCut(pipe.from.host, pipe.to.host)) return
    for (; pipe.stuck > 0; pipe.stuck -= 1) this.#scheduleArrival(pipe)
  }
}

function described(sent: Sent): string {
  return sent.kind === 'bytes' ? `${sent.bytes.length} bytes ${crc32(sent.bytes)}` : sent.kind
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a} ${b}` : `${b} ${a}`
}

function refused(address: string): Error {
  return Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' })
}
