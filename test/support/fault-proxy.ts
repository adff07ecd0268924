import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** A TCP proxy that can be told to misbehave: to cut, to stall, to refuse. */
export class FaultProxy {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #server: Server
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>()
  #refusing = false
  #stalled = false
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
    for (const [client, server] of this.#pairs) {
      client.pause()
      server.pause()
    }
  }

  flow(): void {
    this.#stalled = false
    for (const [client, server] of this.#pairs) {
      client.resume()
      server.resume()
    }
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
      client.destroy()
      server.destroy()
    }
    for (const socket of pair) {
      socket.on('error', end)
      socket.on('close', end)
    }
    client.pipe(server)
    server.pipe(client)
    if (this.#stalled) this.stall()
  }
}
