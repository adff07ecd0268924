import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { freePorts } from '../../../src/servers/process/port.ts'
import { BrokerProcess } from '../../support/broker/broker-process.ts'
import { CertificateAuthority, type SignedFiles } from '../../support/tls/certificate-authority.ts'
import { kafkaSettings } from '../../support/worker/kafka-settings.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import { eventually, workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

const run = promisify(execFile)
const workers = testWorkers()
let authority: CertificateAuthority
let own: SignedFiles

beforeEach(() => {
  authority = new CertificateAuthority(workers.directory, 'authority')
  own = authority.sign('worker')
})

/** A connector in the list of all. */
interface Shown {
  readonly status: {
    readonly connector: { readonly worker_id: string }
    readonly tasks: readonly { readonly state: string }[]
  }
}

/** Settings of TLS for listeners and for requests to other workers. */
function tlsSettings(keystore: SignedFiles, truststore: CertificateAuthority): Record<string, string> {
  return {
    'listeners.https.ssl.keystore.type': 'PEM',
    'listeners.https.ssl.keystore.location': keystore.both,
    'listeners.https.ssl.truststore.type': 'PEM',
    'listeners.https.ssl.truststore.location': truststore.certificate,
  }
}

/** The body of the response that curl gets, or what it says of the failure. */
async function curl(url: string, ...args: readonly string[]): Promise<string> {
  try {
    return (await run('curl', ['-sS', '--max-time', '60', ...args, url])).stdout
  } catch (error) {
    return (error as { readonly stderr: string }).stderr
  }
}

const with_ = ({ certificate, key }: SignedFiles): readonly string[] => ['--cert', certificate, '--key', key]

/** Ports of a listener with http, for the test's own requests, and of one with https. */
async function listeners(): Promise<{ readonly http: string; readonly https: string }> {
  const [http, https] = await freePorts([null, null])
  return { http: `http://127.0.0.1:${http}`, https: `https://127.0.0.1:${https}` }
}

describe('a worker with https', () => {
  it('serves clients that trust its authority, and shows the certificate', async () => {
    const { http, https } = await listeners()
    const place = { ...(await workerPlace(join(workers.directory, 'data'))), rest: http }
    const settings = { listeners: `${https},${http}`, ...tlsSettings(own, authority) }
    const worker = await WorkerProcess.start(place, settings)
    try {
      const trusted = ['--cacert', authority.certificate]
      expect(await curl(https, ...trusted)).toContain('"version":"3.9.1"')
      expect(await curl(https)).toContain('SSL certificate problem')
      const config = '{"connector.class":"FileStreamSource","topic":"t","file":"f"}'
      const put = ['-X', 'PUT', '-H', 'Content-Type: application/json', '-d', config, '-i']
      const created = await curl(`${https}/connectors/a/config`, ...trusted, ...put)
      expect(created).toContain(`\r\nLocation: ${https}/connectors/a\r\n`)
      expect(worker.output).toContain(`ready: REST ${https}`)
      expect(await worker.stop()).toBe(0)
    } finally {
      await worker.kill()
    }
  })

  it('refuses clients without a valid certificate if ssl.client.auth is required', async () => {
    const { http, https } = await listeners()
    const place = { ...(await workerPlace(join(workers.directory, 'data'))), rest: http }
    const auth = { 'listeners.https.ssl.client.auth': 'required' }
    const worker = await WorkerProcess.start(place, {
      listeners: `${http},${https}`,
      ...tlsSettings(own, authority),
      ...auth,
    })
    try {
      const ask = async (client: readonly string[]): Promise<string> =>
        await curl(https, '--cacert', authority.certificate, ...client)
      expect(await ask(with_(authority.sign('client')))).toContain('"version":"3.9.1"')
      expect(await ask([])).toContain('certificate required')
      const stranger = new CertificateAuthority(workers.directory, 'other').sign('stranger')
      expect(await ask(with_(stranger))).toMatch(/^curl: /)
      expect(await ask(with_(authority.sign('late', { expired: true })))).toMatch(/^curl: /)
      await eventually('the refusals are logged', 60_000, async () =>
        /CERT_HAS_EXPIRED/.test(worker.output) ? true : null,
      )
      expect(worker.output).toContain('it sent no certificate, and ssl.client.auth=required')
    } finally {
      await worker.kill()
    }
  })

  it('is not trusted once its certificate has expired', async () => {
    const { http, https } = await listeners()
    const place = { ...(await workerPlace(join(workers.directory, 'data'))), rest: http }
    const expired = authority.sign('expired', { expired: true })
    const worker = await WorkerProcess.start(place, {
      listeners: `${http},${https}`,
      ...tlsSettings(expired, authority),
    })
    expect(await curl(https, '--cacert', authority.certificate)).toContain('certificate has expired')
    await worker.kill()
  })
})

describe('workers that reach each other over https', () => {
  let broker: BrokerProcess | null = null
  const started: WorkerProcess[] = []
  afterEach(async () => {
    for (const worker of started.splice(0)) await worker.kill()
    await broker?.end('SIGKILL')
    broker = null
  })

  /** A worker that other workers call over https, with a client certificate, and the test over http. */
  async function start(keystore: SignedFiles, truststore: CertificateAuthority): Promise<WorkerProcess> {
    broker ??= await BrokerProcess.start(join(workers.directory, 'broker'))
    const { http, https } = await listeners()
    const worker = await WorkerProcess.start(
      { ...(await workerPlace(join(workers.directory, 'unused'))), rest: http },
      {
        ...kafkaSettings(`127.0.0.1:${broker.address.port}`, 'https-group'),
        'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
        'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
        ...tlsSettings(keystore, truststore),
        'listeners.https.ssl.client.auth': 'required',
        listeners: `${http},${https}`,
        'rest.advertised.listener': 'https',
      },
    )
    started.push(worker)
    return worker
  }

  const config = { 'connector.class': 'FileStreamSink', topics: 't', file: '/dev/null' }

  /** Creates a connector at a worker that does not lead, which forwards the request. */
  async function create(follower: WorkerProcess, name: string): Promise<{ status: number; body: string }> {
    return await eventually('the group is not in a rebalance', 60_000, async () => {
      const response = await fetch(`${follower.place.rest}/connectors`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name, config }),
      })
      const body = await response.text()
      return response.status === 409 ? null : { status: response.status, body }
    })
  }

  it('forward requests with their certificate, to addresses with https', async () => {
    const leader = await start(own, authority)
    const follower = await start(own, authority)
    expect(await create(follower, 'forwarded')).toMatchObject({ status: 201 })
    const stop = await fetch(`${follower.place.rest}/connectors/forwarded`, { method: 'DELETE' })
    expect([stop.status, await stop.text()]).toEqual([204, ''])
    const missing = await fetch(`${follower.place.rest}/connectors/forwarded`, { method: 'DELETE' })
    expect([missing.status, await missing.json()]).toEqual([404, expect.objectContaining({ error_code: 404 })])
    expect(leader.output).toContain('connector forwarded created')
  })

  it('send the task configs of their connectors to the leader', async () => {
    const leader = await start(own, authority)
    const follower = await start(own, authority)
    for (const name of ['one', 'two']) expect(await create(follower, name)).toMatchObject({ status: 201 })
    const places = await eventually('each worker runs a connector, and both have their tasks', 60_000, async () => {
      const all = Object.values((await leader.request('GET', '/connectors?expand=status')) as Record<string, Shown>)
      const ids = new Set(all.map(({ status }) => status.connector.worker_id))
      const running = all.filter(({ status }) => status.tasks.some(({ state }) => state === 'RUNNING'))
      return ids.size === 2 && running.length === 2 ? [...ids] : null
    })
    for (const { place } of [leader, follower]) expect(places).not.toContain(new URL(place.rest).host)
  })

  it('say why, if they do not trust the certificate of the other, or the other does not trust theirs', async () => {
    await start(own, authority)
    const stranger = new CertificateAuthority(workers.directory, 'other')
    const distrusting = await start(own, stranger)
    const one = await create(distrusting, 'a')
    expect(one.status).toBe(500)
    expect(one.body).toMatch(/IO Error trying to forward REST request: self-signed certificate in certificate chain/)
    expect(one.body).toMatch(/must trust each other's certificates: check ssl.keystore and ssl.truststore of both/)
    const distrusted = await start(stranger.sign('stranger'), authority)
    const two = await create(distrusted, 'b')
    expect(two.status).toBe(500)
    expect(two.body).toMatch(/IO Error trying to forward REST request: .*(?:alert|ECONNRESET|socket)/)
  })
})
