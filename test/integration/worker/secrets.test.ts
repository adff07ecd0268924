import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'

import type { Server } from '../../../src/servers/process/server.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { LogView } from '../../support/log/log-view.ts'
import { writePluginPackage } from '../../support/plugins/plugin-package.ts'
import { describeWith } from '../../support/services.ts'
import { patienceMs } from '../../support/until.ts'
import { sourceConfig } from '../../support/worker/pipeline.ts'
import { runPenstock } from '../../support/worker/program.ts'
import { everythingOf, placesOf } from '../../support/worker/secret-search.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import type { WorkerProcess } from '../../support/worker/worker-process.ts'

const workers = testWorkers()
beforeEach(() => mkdirSync(join(workers.directory, 'secrets')))

const secretFile = (): string => join(workers.directory, 'secrets', 'db.properties')
const reference = (key: string): string => `\${file:${secretFile()}:${key}}`
const keep = (properties: Readonly<Record<string, string>>): void =>
  writeFileSync(
    secretFile(),
    Object.entries(properties)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )

/** A worker that logs everything. */
async function start(
  settings: Readonly<Record<string, string>> = {},
  env: Record<string, string> = {},
): Promise<WorkerProcess> {
  const worker = await workers.start(
    {
      'config.providers': 'file,env',
      'config.providers.file.class': 'org.apache.kafka.common.config.provider.FileConfigProvider',
      'config.providers.file.param.allowed.paths': join(workers.directory, 'secrets'),
      'config.providers.env.class': 'EnvVarConfigProvider',
      'config.providers.env.param.allowlist.pattern': 'SECRET_.*',
      'offset.flush.interval.ms': '100',
      ...settings,
    },
    env,
  )
  await worker.request('PUT', '/admin/loggers/root', { level: 'TRACE' })
  return worker
}

/** A look at a worker that logs everything is expensive. */
const eventually = async (expectation: () => Promise<void> | void): Promise<void> =>
  await vi.waitFor(expectation, { timeout: patienceMs, interval: 100 })

interface Status {
  readonly connector: { readonly state: string; readonly trace?: string }
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[]
}
const statusOf = async (on: WorkerProcess, name: string): Promise<Status> =>
  (await on.request('GET', `/connectors/${name}/status`)) as Status

it('a worker that does not start says why with the reference (I8)', async () => {
  const settings = {
    listeners: 'http://127.0.0.1:0',
    'embedded.broker.listener': '127.0.0.1:0',
    'embedded.broker.data.dir': join(workers.directory, 'data'),
    'config.providers': 'env',
    'config.providers.env.class': 'EnvVarConfigProvider',
    'rest.token.file': '${env:SECRET_FILE}',
  }
  const sets = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
  const program = runPenstock(['worker', ...sets], workers.directory, {
    ...process.env,
    SECRET_FILE: '/no/such/S3cret-directory/token',
  })
  expect(await program.ended).toBe(2)
  expect(program.output()).toContain('${env:SECRET_FILE}')
  expect(program.output()).not.toContain('S3cret')
})

it('a worker logs its own settings with the references (I8)', async () => {
  const running = await start({ 'status.storage.topic': '${env:SECRET_TOPIC}' }, { SECRET_TOPIC: 'topic-S3cret' })
  await eventually(() => expect(running.output).toContain('created topic ${env:SECRET_TOPIC} for statuses'))
  await running.stop()
  expect(running.output).not.toContain('S3cret')
})

describeWith(['kcat'], 'a connector that gives its secret away', () => {
  const secret = 'S3cret-"of\\ the \'leaky% test'
  const config = { 'connector.class': 'test.LeakyConnector', password: '${env:SECRET_LEAKY}' }

  it('gives away only its reference: in no topic, response, metric, file or line of the process (I8)', async () => {
    writePluginPackage(join(workers.directory, 'plugins'), 'leaky')
    const running = await start({ 'plugin.path': join(workers.directory, 'plugins') }, { SECRET_LEAKY: secret })
    const connectors = {
      runs: config,
      throws: { ...config, leak: 'throw' },
      raises: { ...config, leak: 'raise' },
      logs: { ...config, leak: 'log' },
      prints: { ...config, leak: 'print' },
      hides: { ...config, leak: 'hidden' },
      'task-start': { ...config, 'task.leak': 'start' },
      'task-poll': { ...config, 'task.leak': 'poll' },
      'task-retry': { ...config, 'task.leak': 'retry' },
      'task-crash': { ...config, 'task.leak': 'crash' },
    }
    for (const [name, one] of Object.entries(connectors)) await running.post(name, one)

    for (const name of ['runs', 'task-retry'])
      await eventually(async () =>
        expect(await statusOf(running, name)).toMatchObject({
          tasks: [{ trace: expect.stringContaining('LEAKY: the secret is ${env:SECRET_LEAKY}, cut: x') }],
        }),
      )
    await eventually(async () => {
      expect((await statusOf(running, 'task-retry')).tasks[0]?.trace).toContain('again ${env:SECRET_LEAKY}')
      for (const name of ['throws', 'raises', 'hides'])
        expect((await statusOf(running, name)).connector).toMatchObject({ state: 'FAILED' })
      for (const name of ['task-start', 'task-poll'])
        expect((await statusOf(running, name)).tasks).toMatchObject([
          { state: 'FAILED', trace: expect.stringContaining('no ${env:SECRET_LEAKY}') },
        ])
    })
    await eventually(() => {
      for (const text of ['out ${env:SECRET_LEAKY}', 'err ${env:SECRET_LEAKY}', '"secret":"${env:SECRET_LEAKY}"'])
        expect(running.output).toContain(text)
    })
    await eventually(async () =>
      expect(await (await fetch(`${running.place.rest}/metrics`)).text()).toContain('secret="${env:SECRET_LEAKY}"'),
    )
    const validated = { ...connectors, validated: { ...config, 'leak.check': 'password' } }
    const everything = await everythingOf(running, validated)
    expect(placesOf(secret, everything)).toEqual([])
    expect(placesOf(secret.slice(0, 12), everything)).toEqual([])
    expect(everything.get('topic connect-configs')).toContain('"task.url":"pg://u:${env:SECRET_LEAKY}@h"')
    // The search finds what is there.
    expect(placesOf('${env:SECRET_LEAKY}', everything)).toEqual(
      expect.arrayContaining(['topic connect-configs', 'topic connect-status', 'GET /metrics', 'output']),
    )
  })
})

describeWith(['postgres', 'kcat'], 'a Postgres source with its password by reference', () => {
  const servers = Servers.open()
  let postgres: Server
  let admin: pg.Client
  const passwords = ['first "S3cret" %40 of this test', 'wrong-S3cret-of-this-test', 'second+S3cret/of=this&test']

  beforeAll(async () => {
    const rules = join(servers.directory, 'pg_hba.conf')
    writeFileSync(rules, 'host all postgres all trust\nhost all,replication all all scram-sha-256\n')
    postgres = await servers.get('postgres', { settings: { hba_file: rules } })
    admin = new pg.Client({ connectionString: postgres.address })
    await admin.connect()
    await admin.query(`CREATE ROLE maria SUPERUSER LOGIN PASSWORD '${passwords[0]}'`)
    await admin.query('CREATE TABLE orders (id int PRIMARY KEY)')
  })
  afterAll(async () => {
    await admin?.end()
    await servers.close()
  })

  it('runs, fails and resumes with the passwords in the file, which are nowhere else (I8)', async () => {
    const [first = '', wrong = '', second = ''] = passwords
    keep({ user: 'maria', password: first })
    const data = join(workers.directory, 'data', 'of-S3cret')
    const running = await start({ 'embedded.broker.data.dir': '${env:SECRET_WORKER}' }, { SECRET_WORKER: data })
    const database = new URL(postgres.address)
    database.username = ''
    const config: Record<string, string> = {
      ...sourceConfig({ database: database.href, tables: ['orders'], prefix: 'p', slot: 'secrets' }),
      'database.user': reference('user'),
      'database.password': reference('password'),
    }
    await running.post('orders', config)
    await eventually(() => expect(running.output).toContain('(embedded, ${env:SECRET_WORKER})'))
    const view = await LogView.open(running.place.broker)
    const arrived = async (count: number): Promise<void> => {
      await admin.query(`INSERT INTO orders VALUES (${count})`)
      await eventually(async () => expect(await view.end('p.public.orders')).toBe(count))
    }
    await arrived(1)

    keep({ user: 'maria', password: wrong })
    await running.request('POST', '/connectors/orders/restart?includeTasks=true')
    await eventually(async () =>
      expect((await statusOf(running, 'orders')).tasks[0]?.trace).toMatch(/password authentication failed/),
    )
    const failing = await everythingOf(running, { orders: config })
    expect(
      failing.get(
        'PUT /connector-plugins/io.debezium.connector.postgresql.PostgresConnector/config/validate of orders',
      ),
    ).toContain('password authentication failed')

    keep({ user: 'maria' })
    await running.request('POST', '/connectors/orders/restart?includeTasks=true')
    const unresolved = `REFERENCE_UNRESOLVED: Configuration "database.password": the reference ${reference('password')} cannot be resolved by config provider "file": there is no key`
    const failed = { state: 'FAILED', trace: expect.stringContaining(unresolved) }
    await eventually(async () =>
      expect(await statusOf(running, 'orders')).toMatchObject({ connector: failed, tasks: [failed] }),
    )

    await admin.query(`ALTER ROLE maria PASSWORD '${second}'`)
    keep({ user: 'maria', password: second })
    await running.request('POST', '/connectors/orders/restart?includeTasks=true')
    await arrived(2)
    await view.close()

    const everything = await everythingOf(running, { orders: config })
    for (const password of [...passwords, data]) {
      expect(placesOf(password, failing)).toEqual([])
      expect(placesOf(password, everything)).toEqual([])
    }
    expect(await running.request('GET', '/connectors/orders/config')).toEqual({ ...config, name: 'orders' })
    expect(everything.get('topic connect-configs')).toContain(`"database.password":"${reference('password')}"`)
    expect(everything.get('GET /connectors/orders/tasks')).toContain(`"database.password":"${reference('password')}"`)
  })
})
