import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

import { freePorts } from '../../../src/servers/process/port.ts'
import type { Servers } from '../../../src/servers/servers.ts'
import { service } from '../services.ts'
import { until } from '../until.ts'

/** A server with the API of AWS Secrets Manager. */
export interface MotoServer {
  readonly url: string
  readonly client: SecretsManagerClient
}

/** Starts moto, which needs the service `moto_server`. It stops with `servers`. */
export async function startMoto(servers: Servers): Promise<MotoServer> {
  const [port] = await freePorts([null])
  const url = `http://127.0.0.1:${port}`
  const directory = join(servers.directory, 'moto')
  mkdirSync(directory, { recursive: true })
  const program = service('moto_server')
  await servers.run({
    command: program,
    args: ['--host', '127.0.0.1', '--port', String(port)],
    cwd: directory,
    env: { HOME: directory, PATH: process.env['PATH'] ?? '', PYTHONPATH: dirname(dirname(program)) },
    account: null,
    logFile: join(directory, 'moto.log'),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
  })
  await until('moto responds', async () => (await fetch(`${url}/moto-api/`).catch(() => null)) !== null)
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'the-secret-key-of-the-tests' }
  return { url, client: new SecretsManagerClient({ endpoint: url, region: 'eu-central-1', credentials }) }
}
