import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

import { freePort } from '../../../src/servers/process/port.ts'
import type { Servers } from '../../../src/servers/servers.ts'
import { service } from '../services.ts'
import { until } from '../until.ts'
import { runPythonTool } from './python-tool.ts'

/** A server with the API of AWS Secrets Manager. */
export interface MotoServer {
  readonly url: string
  readonly client: SecretsManagerClient
}

/** Starts moto, which needs the service `moto_server`. It stops with `servers`. */
export async function startMoto(servers: Servers): Promise<MotoServer> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  await runPythonTool(servers, 'moto', {
    program: service('moto_server'),
    args: ['--host', '127.0.0.1', '--port', String(port)],
  })
  await until('moto responds', async () => (await fetch(`${url}/moto-api/`).catch(() => null)) !== null)
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'the-secret-key-of-the-tests' }
  return { url, client: new SecretsManagerClient({ endpoint: url, region: 'eu-central-1', credentials }) }
}
