import { freePort } from '../../../src/servers/process/port.ts'
import type { Servers } from '../../../src/servers/servers.ts'
import { service } from '../services.ts'
import { until } from '../until.ts'
import { runPythonTool } from './python-tool.ts'

/** A development server of OpenBao, which has Vault's API: unsealed, with a KV engine of version 2 at `secret/`. */
export class VaultServer {
  readonly url: string
  readonly rootToken = 'root-t0ken-of-the-tests'

  private constructor(url: string) {
    this.url = url
  }

  /** Needs the service `bao`. It stops with `servers`. */
  static async start(servers: Servers, name = 'vault'): Promise<VaultServer> {
    const port = await freePort()
    const server = new VaultServer(`http://127.0.0.1:${port}`)
    await runPythonTool(servers, name, {
      program: service('bao'),
      args: [
        'server',
        '-dev',
        '-dev-no-store-token',
        `-dev-root-token-id=${server.rootToken}`,
        `-dev-listen-address=127.0.0.1:${port}`,
      ],
    })
    await until('the server of OpenBao is ready', async () => {
      const health = await fetch(`${server.url}/v1/sys/health`).catch(() => null)
      return health?.status === 200
    })
    // The engine of a development server is mounted a moment later.
    await until('its KV engine is ready', async () => (await server.call('GET', 'secret/config')).status === 200)
    return server
  }

  /** Sends a request as root. */
  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<VaultReply> {
    const response = await fetch(`${this.url}/v1/${path}`, {
      method,
      headers: { 'x-vault-token': this.rootToken, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: (text === '' ? {} : JSON.parse(text)) as VaultReply['body'] }
  }

  /** As {@link call}. @throws TypeError when Vault refuses it */
  async must(...call: Parameters<VaultServer['call']>): Promise<VaultReply['body']> {
    const { status, body } = await this.call(...call)
    if (status >= 300) throw new TypeError(`${call[0]} ${call[1]}: ${status} ${JSON.stringify(body)}`)
    return body
  }

  /** Writes a secret, of the engine `secret/` if no other path is given. */
  async keep(path: string, data: Readonly<Record<string, unknown>>): Promise<void> {
    await this.must('POST', `secret/data/${path}`, { data })
  }
}

/** A response of Vault. */
export interface VaultReply {
  readonly status: number
  readonly body: {
    readonly data?: Readonly<Record<string, unknown>>
    readonly auth?: Readonly<Record<string, unknown>>
    readonly errors?: readonly string[]
  }
}
