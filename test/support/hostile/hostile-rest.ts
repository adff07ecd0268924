import { Agent, request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { oddNames } from './hostile-client.ts'

const mib = 1024 * 1024
const source = 'FileStreamSource'
/** Connectors of the attacks are those whose name is odd, or begins like this. */
const prefix = 'hostile'

/** A REST client that is slow, large, or many. It leaves connectors of other names alone. */
export class HostileRest {
  readonly #url: URL
  readonly #random: () => number
  readonly #sockets = new Set<Socket>()
  readonly #stopped = new AbortController()
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 100 })
  /** What no client may bring about: statuses of 500 that say that the worker did not expect it. */
  readonly faults: string[] = []

  readonly attacks: Readonly<Record<string, () => Promise<void>>> = {
    'slow bodies': () =>
      this.#slowly(
        'POST /connectors HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n{',
      ),
    'slow headers': () => this.#slowly('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx-'),
    'huge bodies': () => this.#hugeBody(),
    'storms of validate': () => this.#validate(),
    'pipelined requests that no one reads': () => this.#pipelining(),
    'odd connector names': () => this.#oddConnectors(),
  }

  /** @param random numbers in [0, 1) */
  constructor(url: string, random: () => number) {
    this.#url = new URL(url)
    this.#random = random
  }

  /** Ends the pauses of attacks, so that they return soon. */
  stop(): void {
    this.#stopped.abort()
  }

  /** Closes every connection. */
  leave(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#agent.destroy()
  }

  async #slowly(beginning: string): Promise<void> {
    const lines = Array.from({ length: 50 }, () => this.#open())
    for (const line of lines) line.write(beginning)
    for (let drop = 0; drop < 10; drop += 1) {
      await this.#pause(500)
      for (const line of lines) if (!line.destroyed) line.write('x')
    }
    for (const line of lines) line.destroy()
  }

  async #hugeBody(): Promise<void> {
    const line = this.#open()
    const length = this.#random() < 0.5 ? 'transfer-encoding: chunked' : `content-length: ${200 * mib}`
    line.write(`POST /connectors HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${length}\r\n\r\n`)
    const part = Buffer.alloc(mib, ' ')
    for (let sent = 0; sent < 200 && !line.destroyed && !this.#stopped.signal.aborted; sent += 1) {
      if (length.startsWith('transfer')) line.write(`${mib.toString(16)}\r\n`)
      if (!line.write(part))
        await Promise.race([new Promise((resolve) => line.once('drain', resolve)), this.#pause(100)])
      if (line.writableLength > 8 * mib) break
    }
    line.destroy()
  }

  async #validate(): Promise<void> {
    const config = {
      'connector.class': source,
      name: this.#oddName(),
      topic: this.#oddName(),
      file: '/nowhere',
      ...Object.fromEntries(oddNames.map((name) => [name, name])),
      ...Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`option.${i}`, 'v'.repeat(100)])),
    }
    const path = `/connector-plugins/${source}/config/validate`
    await Promise.all(Array.from({ length: 100 }, () => this.#ask('PUT', path, config)))
  }

  async #pipelining(): Promise<void> {
    const one = 'GET /connectors?expand=info&expand=status HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n'
    const lines = Array.from({ length: 10 }, () => this.#open())
    for (const line of lines) {
      line.pause()
      line.write(one.repeat(5000))
    }
    await this.#pause(5000)
    for (const line of lines) line.destroy()
  }

  async #oddConnectors(): Promise<void> {
    const name = this.#random() < 0.2 ? `${prefix}-${Math.floor(this.#random() * 10)}` : this.#oddName()
    const config = { 'connector.class': source, topic: 'hostile', file: '/nowhere', 'tasks.max': '1' }
    const path = `/connectors/${encodeURIComponent(name)}`
    await this.#ask('POST', '/connectors', { name, config })
    await this.#ask('PUT', `${path}/config`, config)
    for (const part of ['', '/status', '/config', '/tasks', '/offsets', '/topics']) await this.#ask('GET', path + part)
    await this.#ask('POST', `${path}/restart?includeTasks=true`)
    await this.#ask('DELETE', path)
  }

  #oddName(): string {
    return oddNames[Math.floor(this.#random() * oddNames.length)] as string
  }

  /** Resolves when the response has come, or none comes. */
  #ask(method: string, path: string, body?: unknown): Promise<void> {
    return new Promise((resolve) => {
      const { hostname: host, port } = this.#url
      const headers = { 'content-type': 'application/json' }
      const request = httpRequest({
        host,
        port,
        method,
        path,
        headers,
        agent: this.#agent,
        signal: this.#stopped.signal,
      })
      request.on('response', (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', () => undefined)
        response.on('close', () => {
          if (response.statusCode === 500)
            this.faults.push(`${method} ${path.slice(0, 100)}: ${Buffer.concat(parts).toString().slice(0, 300)}`)
          resolve()
        })
      })
      request.on('error', () => resolve())
      request.end(body === undefined ? undefined : JSON.stringify(body))
    })
  }

  #open(): Socket {
    const line = connect({ host: this.#url.hostname, port: Number(this.#url.port) })
    this.#sockets.add(line)
    line.on('error', () => undefined) // 'close' follows.
    line.once('close', () => this.#sockets.delete(line))
    line.resume()
    return line
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
  }
}
