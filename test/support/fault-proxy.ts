import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

type Pair = readonly [client: Socket, server: Socket]

/** A TCP proxy that can be told to misbehave: to cut, to stall, to refuse. */
export class FaultProxy {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #server: Server
  readonly #pairs = new Set<Pair>()
  #refusing = false
  #stalled = false
  readonly #stalledPairs = new Set<Pair>()
  /** Of {@link stallAt}. */
  #stallText: Buffer | null = null
  #downPort: number | null = null
  #accepted = 0

  private constructor(host: string, port: number) {
    this.#target = { host, port }
    this.#server = createServer((client) => this.#accept(client))
  }

  static async open(host: string, port: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(host, port)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Connections accepted so far. */
  get accepted(): number {
    return this.#accepted
  }

  /** Resets every connection that is open. */
  cut(): void {
    for (const [client, server] of this.#pairs) {
      client.resetAndDestroy()
      server.destroy()
    }
  }

  /** Lets connections stand without a byte passing, in either direction. */
  stall(): void {
    this.#stalled = true
    for (const pair of this.#pairs) this.#stallPair(pair)
  }

  /** Stalls the connection in which the server sends this text, after it. */
  stallAt(text: string): void {
    this.#stallText = Buffer.from(text)
  }

  get isStalled(): boolean {
    return this.#stalledPairs.size > 0
  }

  flow(): void {
    this.#stalled = false
    for (const [client, server] of this.#stalledPairs) {
      client.pipe(server)
      server.pipe(client)
    }
    this.#stalledPairs.clear()
  }

  /** Resets every client that connects, until {@link accept}. */
  refuse(): void {
    this.#refusing = true
  }

  accept(): void {
    this.#refusing = false
  }

  /** Closes the port and every connection: every client is refused, as by a host whose server has stopped. */
  async down(): Promise<void> {
    this.#downPort = this.port
    await this.close()
  }

  /** Listens again, on the same port. */
  async up(): Promise<void> {
    const port = this.#downPort
    this.#downPort = null
    if (port !== null) await new Promise<void>((resolve) => this.#server.listen(port, '127.0.0.1', resolve))
  }

  /** Down for that long. */
  async away(ms: number): Promise<void> {
    await this.down()
    await delay(ms)
    await this.up()
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.cut()
    await closed
  }

  #accept(client: Socket): void {
    this.#accepted += 1
    if (this.#refusing) {
      client.resetAndDestroy()
      return
    }
    const server = connect(this.#target)
    const pair = [client, server] as const
    this.#pairs.add(pair)
    const end = (): void => {
      this.#pairs.delete(pair)
      this.#stalledPairs.delete(pair)
      client.destroy()
      server.destroy()
    }
    for (const socket of pair) {
      socket.on('error', end)
      socket.on('close', end)
    }
    client.pipe(server)
    server.pipe(client)
    this.#watch(pair)
    if (this.#stalled) this.stall()
  }

  #stallPair(pair: Pair): void {
    const [client, server] = pair
    // A pipe would resume its source when its target has drained.
    client.unpipe(server).pause()
    server.unpipe(client).pause()
    this.#stalledPairs.add(pair)
  }

  #watch(pair: Pair): void {
    const [, server] = pair
    let before = Buffer.alloc(0)
    server.on('data', (chunk: Buffer) => {
      const text = this.#stallText
      if (text === null) return
      const seen = Buffer.concat([before, chunk])
      before = seen.subarray(Math.max(0, seen.length - text.length))
      if (!seen.includes(text)) return
      this.#stallText = null
      this.#stallPair(pair)
    })
  }
}
