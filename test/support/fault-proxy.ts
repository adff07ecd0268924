import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net'

/** A TCP proxy that can be told to misbehave: to cut, to stall, to refuse. */
export class FaultProxy {
  readonly #target: { readonly host: string; readonly port: number }
  readonly #server: Server
  readonly #pairs = new Set<readonly [client: Socket, server: Socket]>()
  #refusing = false
  #stalled = false
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

  /** Resets whoever connects, until {@link accept}. */
  refuse(): void {
    this.#refusing = true
  }

  accept(): void {
    this.#refusing = false
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
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
