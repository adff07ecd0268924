import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { freePorts } from '../../../src/servers/process/port.ts'
import { Servers } from '../../../src/servers/servers.ts'
import {
  commandBlocks,
  documentsWithCommands,
  examplesOf,
  oneLine,
  substitute,
} from '../../support/worker/document-commands.ts'
import { installPackage } from '../../support/worker/installed-package.ts'
import { VaultServer } from '../../support/secrets/vault-server.ts'
import { checkoutFolder, runProgram, written, type Program } from '../../support/worker/program.ts'
import { describeWith, service } from '../../support/services.ts'
import { patienceMs, untilPasses } from '../../support/until.ts'

const guide = 'docs/guides/main-job.md'
const pluginGuide = 'docs/guides/write-a-connector.md'
const checkout = join(import.meta.dirname, '../../..')
const testGuide = 'docs/guides/test-a-connector.md'
const sharedHost = 'docs/guides/shared-host.md'
const secrets = 'docs/guides/secrets.md'
const managers = 'docs/guides/secret-managers.md'
const users = 'docs/guides/users.md'
const https = 'docs/guides/https.md'
const registry = 'docs/guides/schema-registry.md'
const errors = 'docs/guides/errors.md'
const evolution = 'docs/guides/schema-evolution.md'
let directory = ''
let running: Program[] = []
beforeEach(() => {
  directory = checkoutFolder(join(mkdtempSync(join(tmpdir(), 'penstock-test-')), 'penstock'))
  running = []
})
afterEach(async () => {
  await endAll()
  rmSync(join(directory, '..'), { recursive: true, force: true })
})

function begin(command: string): Program {
  // The shell hands itself over to the command, so that a signal reaches that.
  const program = runProgram('bash', ['-c', `exec ${command}`], directory)
  running.push(program)
  return program
}

async function endAll(): Promise<void> {
  for (const program of running) program.child.kill('SIGTERM')
  await Promise.all(running.map((program) => program.ended))
  running = []
}

async function runToEnd(script: string): Promise<string> {
  const program = runProgram('bash', ['-euo', 'pipefail', '-c', script], directory)
  expect(await program.ended, `${script}\n${program.output()}`).toBe(0)
  return program.output()
}

const answers = (url: string): Promise<void> =>
  vi.waitFor(async () => expect((await fetch(url)).ok).toBe(true), { timeout: 60_000, interval: 50 })

it('no document has commands that no test runs', () => {
  // README: the first block is the quickstart, the second what to do beside it (quickstart.test.ts); the rest is below.
  expect(documentsWithCommands().toSorted()).toEqual([
    'README.md',
    errors,
    https,
    guide,
    evolution,
    registry,
    managers,
    secrets,
    sharedHost,
    testGuide,
    users,
    pluginGuide,
  ])
  expect(commandBlocks('README.md').map(({ text }) => text.split('\n')[0])).toEqual([
    'npm run quickstart',
    'curl -sS --fail-with-body "http://127.0.0.1:8083/connectors?expand=status"',
    'bin/penstock.js worker',
    expect.stringMatching(/^curl -sS --fail-with-body -X POST .*\/connectors -d '\{$/),
    'bin/penstock.js worker connect-distributed.properties',
    'docker compose up --build',
    'bin/penstock.js broker --listen 127.0.0.1:9092 --data ./log',
  ])
})

describe('the broker alone', () => {
  it('starts as the README says', async () => {
    const [port] = await freePorts([null])
    const command = commandBlocks('README.md')[6]?.text.trim() ?? ''
    const broker = begin(substitute(command, { '127.0.0.1:9092': `127.0.0.1:${port}` }))
    await written(broker, new RegExp(`127\\.0\\.0\\.1:${port}`), patienceMs)
    broker.child.kill('SIGTERM')
    expect(await broker.ended).toBe(0)
  })
})

describeWith(['kcat'], 'a machine with other users', () => {
  it('runs as the guide says', async () => {
    const [restPort, brokerPort] = await freePorts([null, null])
    const [rest, broker] = [`http://127.0.0.1:${restPort}`, `127.0.0.1:${brokerPort}`]
    const addresses = {
      'http://127.0.0.1:8083': rest,
      '127.0.0.1:9092': broker,
      'bin/penstock.js worker': `bin/penstock.js worker --set listeners=${rest} --set embedded.broker.listener=${broker}`,
    }
    for (const { text, background } of commandBlocks(sharedHost)) {
      const script = substitute(text, addresses)
      if (background) {
        begin(script.trim())
        await answers(`${rest}/health`)
      } else expect(await runToEnd(script), script).toMatch(/\S/)
    }
    expect((await fetch(`${rest}/connectors`)).status).toBe(401)
  })
})

describe('the schema registry', () => {
  it('works as the guide says', async () => {
    const [rest, broker] = (await freePorts([null, null])).map((port) => `127.0.0.1:${port}`)
    const addresses = {
      'http://127.0.0.1:8083': `http://${rest}`,
      'bin/penstock.js worker': `bin/penstock.js worker --set listeners=http://${rest} --set embedded.broker.listener=${broker}`,
    }
    const outputs: string[] = []
    for (const { text, background } of commandBlocks(registry)) {
      const script = substitute(text, addresses)
      if (background) {
        begin(script.trim())
        await answers(`http://${rest}/health`)
      } else outputs.push(await runToEnd(script))
    }
    const [registered, protobuf, checked] = outputs
    expect(registered).toMatch(/^\{"id":1,"version":1,.*\n\[1\]$/)
    expect(protobuf).toMatch(/^\{"id":2,.*"PROTOBUF".*\n\{"id":3,.*"references":\[\{"name":"line.proto"/)
    expect(checked).toMatch(
      /^\{"is_compatible":false,"messages":\["\{errorType:'READER_FIELD_MISSING_DEFAULT_VALUE'.*\n/,
    )
    expect(checked).toMatch(/\{"compatibility":"FULL_TRANSITIVE"\}$/)
  })
})

describeWith(['kcat'], 'records that fail', () => {
  it('are skipped and kept as the guide says', async () => {
    const [rest, broker] = (await freePorts([null, null])).map((port) => `127.0.0.1:${port}`)
    const addresses = {
      'http://127.0.0.1:8083': `http://${rest}`,
      '127.0.0.1:9092': broker ?? '',
      'bin/penstock.js worker': `bin/penstock.js worker --set listeners=http://${rest} --set embedded.broker.listener=${broker}`,
    }
    const outputs: string[] = []
    for (const { text, background } of commandBlocks(errors)) {
      const script = substitute(text, addresses)
      if (background) {
        begin(script.trim())
        await answers(`http://${rest}/health`)
      } else outputs.push(await runToEnd(script))
    }
    const [, kept, status, causes, replayed] = outputs
    expect(kept).toMatch(/^\{id=1\}\n\{id=2\}\nno JSON\n__connect\.errors\.topic=orders,/)
    expect(kept).toContain('__connect.errors.stage=VALUE_CONVERTER,')
    expect(status).toContain('1 record was sent to the dead letter queue orders-dlq')
    expect(JSON.parse(causes ?? '')).toMatchObject({
      topic: 'orders-dlq',
      causes: [
        { stage: 'VALUE_CONVERTER', count: 1, example: { record: { topic: 'orders', partition: 0, offset: 1 } } },
      ],
      read: { records: 1, own: 1, complete: true },
    })
    expect(replayed).toContain('1 record is delivered again when the connector is resumed')
    expect(replayed).toContain('{id=1}\n{id=2}\nno JSON\n')
    expect(replayed).toContain('"replayed":1')
  })
})

describe('users and roles', () => {
  it('work as the guide says', async () => {
    const [rest, broker] = (await freePorts([null, null])).map((port) => `127.0.0.1:${port}`)
    const addresses = {
      'http://127.0.0.1:8083': `http://${rest}`,
      'bin/penstock.js worker': `bin/penstock.js worker --set listeners=http://${rest} --set embedded.broker.listener=${broker}`,
    }
    const outputs: string[] = []
    for (const { text, background } of commandBlocks(users)) {
      const script = substitute(text, addresses)
      if (background) {
        begin(script.trim())
        await answers(`http://${rest}/health`)
      } else outputs.push(await runToEnd(script))
    }
    const [file, allowed, refused, changed, levels] = outputs
    expect(file).toMatch(
      /alice\.password=\$scrypt\$ln=14,r=8,p=5\$.*\n.*\nbob\.password=\$scrypt\$.*\n.*\n.*\nci\.token=\$sha256\$/,
    )
    expect(allowed).toMatch(/^\["root"\]\n\[\]\n$/)
    expect(refused).toMatch(/needs the role operate; the user \\"ci\\" has the role read.*\n.*"bob\\" has no access/)
    expect(changed).toContain('Unknown connector orders-sink')
    expect(levels).toBe('["root"]\n["connect.audit"]\n')
  })
})

describe('a worker with https', () => {
  it('runs as the guide says', async () => {
    const [restPort, brokerPort] = await freePorts([null, null])
    const addresses = {
      '127.0.0.1:8443': `127.0.0.1:${restPort}`,
      'bin/penstock.js worker': `bin/penstock.js worker --set embedded.broker.listener=127.0.0.1:${brokerPort}`,
    }
    const outputs: string[] = []
    for (const { text, background } of commandBlocks(https)) {
      const script = substitute(text, addresses)
      if (background) await written(begin(script.trim()), /ready: REST https/, patienceMs)
      else outputs.push(await runToEnd(script))
    }
    expect(outputs.join('\n')).toContain('"version":"3.9.1"')
  })
})

describeWith(['postgres'], 'a connector with secrets by reference', () => {
  let name = ''
  beforeEach(async () => {
    name = `secrets_${process.pid}_${Date.now()}`
    await administer(service('postgres'), `CREATE DATABASE ${name}`)
    await administer(databaseNamed(name).href, 'CREATE TABLE orders (id int PRIMARY KEY)')
  })
  afterEach(async () => {
    await endAll()
    await untilPasses(() => administer(service('postgres'), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
  })

  it.each(['bin/penstock.js', 'node_modules/.bin/penstock'])('runs by %s as the guide says', async (program) => {
    if (program.startsWith('node_modules')) await installPackage(directory)
    const [rest, broker] = (await freePorts([null, null])).map((port) => `127.0.0.1:${port}`)
    const database = databaseNamed(name)
    const written = {
      'http://127.0.0.1:8083': `http://${rest}`,
      '"database.hostname": "127.0.0.1"': `"database.hostname": "${database.hostname}"`,
      '"database.port": "5432"': `"database.port": "${database.port}"`,
      '"database.dbname": "shop"': `"database.dbname": "${name}"`,
      '"slot.name": "shop_secrets"': `"slot.name": "${name}"`,
      'user=postgres': `user=${database.username}`,
      'password=postgres': `password=${decodeURIComponent(database.password) || 'postgres'}`,
      'bin/penstock.js worker': `${program} worker --set listeners=http://${rest} --set embedded.broker.listener=${broker}`,
    }
    const outputs: string[] = []
    for (const { text, background } of commandBlocks(secrets)) {
      const script = substitute(text, written)
      if (background) {
        begin(script.trim())
        await answers(`http://${rest}/connectors`)
        continue
      }
      // The reader of the guide has seen it run by now.
      if (/-X DELETE|\/restart/.test(script)) await untilPasses(() => expectRunning(`http://${rest}`, 'shop-secrets'))
      outputs.push(await runToEnd(script))
    }
    expect(outputs.every((output) => /\S/.test(output))).toBe(true)
    const said = outputs.join('\n')
    expect(said).toContain('"database.password":"${file:secrets/shop.properties:password}"')
    expect(said).toMatch(
      /the reference \$\{file:secrets\/shop.properties:pasword\} cannot be resolved .*there is no key/,
    )
    expect(outputs.at(-1)).toBe('204\n')
  })
})

describeWith(['postgres', 'bao'], 'a connector with secrets of Vault', () => {
  let name = ''
  let servers: Servers
  let vault: VaultServer
  beforeEach(async () => {
    servers = Servers.open()
    vault = await VaultServer.start(servers)
    name = `vault_${process.pid}_${Date.now()}`
    await administer(service('postgres'), `CREATE DATABASE ${name}`)
    await administer(databaseNamed(name).href, 'CREATE TABLE orders (id int PRIMARY KEY)')
  })
  afterEach(async () => {
    await endAll()
    await servers.close()
    await untilPasses(() => administer(service('postgres'), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))
  })

  it.each(['bin/penstock.js', 'node_modules/.bin/penstock'])('runs by %s as the guide says', async (program) => {
    if (program.startsWith('node_modules')) await installPackage(directory)
    const [rest, broker] = (await freePorts([null, null])).map((port) => `127.0.0.1:${port}`)
    const database = databaseNamed(name)
    const written = {
      'http://127.0.0.1:8083': `http://${rest}`,
      'http://127.0.0.1:8200': vault.url,
      'X-Vault-Token: root': `X-Vault-Token: ${vault.rootToken}`,
      '"database.hostname": "127.0.0.1"': `"database.hostname": "${database.hostname}"`,
      '"database.port": "5432"': `"database.port": "${database.port}"`,
      '"database.dbname": "shop"': `"database.dbname": "${name}"`,
      '"slot.name": "shop_vault"': `"slot.name": "${name}"`,
      '"user": "postgres"': `"user": "${database.username}"`,
      '"password": "postgres"': `"password": "${decodeURIComponent(database.password) || 'postgres'}"`,
      'bin/penstock.js worker': `${program} worker --set listeners=http://${rest} --set embedded.broker.listener=${broker}`,
    }
    const outputs: string[] = []
    for (const { text, background } of commandBlocks(managers)) {
      const script = substitute(text, written)
      if (background) {
        begin(script.trim())
        await answers(`http://${rest}/connectors`)
        continue
      }
      if (script.includes('-X DELETE')) await untilPasses(() => expectRunning(`http://${rest}`, 'shop-vault'))
      outputs.push(await runToEnd(script))
    }
    expect(outputs.every((output) => /\S/.test(output))).toBe(true)
    const said = outputs.join('\n')
    expect(said).toContain('"database.password":"${vault:secret/shop/db:password}"')
    expect(said).toMatch(/Vault refuses to read secret\/data\/bank\/db \(403.*must allow .*read.* there/)
    expect(outputs.at(-1)).toBe('204\n')
  })
})

describeWith(['kafka'], 'a worker with the properties file of Kafka Connect', () => {
  it('starts as the README says', async () => {
    const [port] = await freePorts([null])
    const name = `doc-${process.pid}-${port}`
    const storage = ['config', 'offset', 'status'].map(
      (what) => `${what}.storage.topic=${name}-${what}\n${what}.storage.replication.factor=1\n`,
    )
    const converters = ['key', 'value'].map((what) => `${what}.converter=org.apache.kafka.connect.json.JsonConverter\n`)
    const properties = `bootstrap.servers=${service('kafka')}\ngroup.id=${name}\nlisteners=http://127.0.0.1:${port}\n`
    writeFileSync(join(directory, 'connect-distributed.properties'), properties + [...storage, ...converters].join(''))
    const worker = begin(commandBlocks('README.md')[4]?.text.trim() ?? '')
    await answers(`http://127.0.0.1:${port}/connectors`)
    worker.child.kill('SIGTERM')
    expect(await worker.ended).toBe(0)
  })
})

describeWith(['postgres', 'elasticsearch', 'minio', 'kcat', 'psql'], 'the main job', () => {
  let addresses: Record<string, string> = {}
  let rest = ''
  let prefix = ''
  let listen: string[] = []

  beforeEach(async () => {
    const [restPort, brokerPort] = await freePorts([null, null])
    const broker = `127.0.0.1:${brokerPort}`
    rest = `http://127.0.0.1:${restPort}`
    prefix = `doc_${process.pid}_${restPort}`
    listen = [`--set listeners=${rest}`, `--set embedded.broker.listener=${broker}`]
    const [database, search, store] = [
      new URL(service('postgres')),
      new URL(service('elasticsearch')),
      new URL(service('minio')),
    ]
    await administer(database.href, `CREATE DATABASE ${prefix}`)
    database.pathname = `/${prefix}`
    database.password = database.password === '' ? 'postgres' : database.password
    await bucketOf(store).make(prefix.replaceAll('_', '-'))
    addresses = {
      'postgres://postgres:postgres@127.0.0.1:5432/shop': database.href,
      '"database.hostname": "127.0.0.1"': `"database.hostname": "${database.hostname}"`,
      '"database.port": "5432"': `"database.port": "${database.port}"`,
      '"database.password": "postgres"': `"database.password": "${decodeURIComponent(database.password)}"`,
      '"database.dbname": "shop"': `"database.dbname": "${prefix}"`,
      '"database.dbname": "mydb"': `"database.dbname": "${prefix}"`,
      '"topic.prefix": "mydb"': `"topic.prefix": "${prefix}"`,
      '"slot.name": "shop"': `"slot.name": "${prefix}"`,
      "slot('shop')": `slot('${prefix}')`,
      '"topic.prefix": "shop"': `"topic.prefix": "${prefix}"`,
      'shop.public.orders': `${prefix}.public.orders`,
      'http://127.0.0.1:9200': search.origin,
      'http://127.0.0.1:9000': store.origin,
      '"aws.access.key.id": "penstock"': `"aws.access.key.id": "${store.username}"`,
      '--user penstock:': `--user ${store.username}:`,
      'penstock-secret': store.password,
      '/archive?': `/${prefix.replaceAll('_', '-')}?`,
      '"archive"': `"${prefix.replaceAll('_', '-')}"`,
      'http://127.0.0.1:8083': rest,
      '127.0.0.1:9092': broker,
      'bin/penstock.js worker': `bin/penstock.js worker ${listen.join(' ')}`,
    }
  })
  afterEach(async () => {
    // A database whose slot is in use cannot be dropped, and its server lets go of it a moment after the worker.
    await endAll()
    await untilPasses(() => administer(service('postgres'), `DROP DATABASE IF EXISTS ${prefix} WITH (FORCE)`))
    await fetch(new URL(`/${prefix}.public.orders`, service('elasticsearch')), { method: 'DELETE' })
  })

  // As published, too: there the three connectors are JavaScript that is found by other paths.
  it.each(['bin/penstock.js', 'node_modules/.bin/penstock'])('runs by %s as the guide says, twice', async (program) => {
    if (program.startsWith('node_modules')) await installPackage(directory)
    const objects = (): Promise<string[]> => bucketOf(new URL(service('minio'))).list(prefix.replaceAll('_', '-'))
    const first = `topics/${prefix}.public.orders/partition=0/${prefix}.public.orders+0+0000000000.json.gz`
    const archived = async (): Promise<void> => expect(await objects()).toContain(first)
    const follow = async (): Promise<void> => {
      for (const { text, background } of commandBlocks(guide)) {
        const script = substitute(text, addresses).replaceAll('bin/penstock.js', program)
        if (background) {
          begin(script.trim())
          await answers(`${rest}/connectors`)
          continue
        }
        // The reader of the guide has seen an object by now, and ends the worker before its directory goes.
        if (script.includes('-X DELETE')) await vi.waitFor(archived, { timeout: 60_000, interval: 200 })
        if (script.startsWith('rm ')) await endAll()
        expect(await runToEnd(script), `says nothing:\n${script}`).toMatch(script.startsWith('rm ') ? /^$/ : /\S/)
      }
    }
    await follow()
    await follow()
  })

  it('goes through changes of a schema as the guide says', async () => {
    const outputs: string[] = []
    for (const { text, background } of commandBlocks(evolution)) {
      const script = substitute(text, addresses)
      if (background) {
        begin(script.trim())
        await answers(`${rest}/connectors`)
      } else {
        outputs.push(oneLine(await runToEnd(script)))
      }
    }
    const [source, accepted, refused, registered, rejected, indexed, , archived, cleaned] = outputs
    expect(source).toMatch(/\[1\]$/)
    expect(accepted).toMatch(/\[1,2\]$/)
    expect(registered).toContain('[1,2,3]')
    expect(indexed).toContain('"_source":{"id":3,"quantity":"a dozen","note":null}')
    expect(indexed).toMatch(/"quantity":\{"type":"keyword"\}/)
    expect(archived).toBe('3')
    expect(cleaned).toContain('DROP TABLE')
    const examples = examplesOf(evolution).map((example) => substitute(example, addresses))
    expect(examples).toHaveLength(2)
    // Versions of Elasticsearch count the bytes of a document in different ways.
    const plain = (text: string | undefined): string => (text ?? '').replaceAll(/\[\d+:\d+\]/g, '[…]')
    for (const [i, output] of [refused, rejected].entries()) expect(plain(output)).toContain(plain(examples[i]))
  })

  it('begins as the README says', async () => {
    const table = 'CREATE TABLE orders (id int PRIMARY KEY)'
    await administer(addresses['postgres://postgres:postgres@127.0.0.1:5432/shop'] ?? '', table)
    const [worker, create] = commandBlocks('README.md').slice(2, 4)
    begin(substitute(worker?.text.trim() ?? '', addresses))
    await answers(`${rest}/connectors`)
    const slot = `"plugin.name": "pgoutput", "slot.name": "${prefix}"`
    const answer = await runToEnd(substitute(create?.text ?? '', { ...addresses, '"plugin.name": "pgoutput"': slot }))
    expect(answer).toContain('"name":"my-source"')
    await vi.waitFor(
      async () => {
        const status = (await (await fetch(`${rest}/connectors/my-source/status`)).json()) as {
          tasks: { state: string }[]
        }
        expect(status.tasks).toMatchObject([{ state: 'RUNNING' }])
      },
      { timeout: 60_000, interval: 100 },
    )
  })
})

describeWith(['kcat'], 'a connector from outside', () => {
  it.each(['bin/penstock.js', 'node_modules/.bin/penstock'])(
    'is written and run by %s as the guide says',
    async (program) => {
      if (program.startsWith('node_modules')) await installPackage(directory)
      const [rest, broker, hook] = (await freePorts([null, null, null])).map((port) => `127.0.0.1:${port}`)
      const written = {
        '127.0.0.1:8083': `${rest}`,
        '127.0.0.1:9092': `${broker}`,
        'http://127.0.0.1:8090': `http://${hook}`,
        '8090': `${hook?.split(':')[1]}`,
        'bin/penstock.js worker': `${program} worker --set listeners=http://${rest} --set embedded.broker.listener=${broker}`,
      }
      const outputs: string[] = []
      for (const { text, background } of commandBlocks(pluginGuide)) {
        const script = substitute(text, written)
        if (background) {
          begin(script.trim())
          await answers(script.includes('worker') ? `http://${rest}/connectors` : `http://${hook}`)
          continue
        }
        if (script.startsWith('rm ')) await endAll()
        outputs.push(await runToEnd(script))
        expect(outputs.at(-1), `says nothing:\n${script}`).toMatch(script.startsWith('rm ') ? /^$/ : /\S/)
      }
      const said = outputs.join('\n')
      expect(said).toContain('com.acme.TickerSourceConnector')
      expect(said).toMatch(/0 .*"payload":1\}\n1 .*"payload":2\}\n2 .*"payload":3\}/)
      expect(said).toContain('Invalid value 0 for configuration interval.ms: Value must be at least 1')
      expect(said).toContain('{"topic":"numbers","partition":0,"offset":2,"value":"3"}')
      expect(said).not.toContain('FAILED')
    },
  )
})

describe('the tests of a connector from outside', () => {
  it.each(['checkout', 'package'])('run with penstock/testing of a %s as the guide says', async (kind) => {
    if (kind === 'package') await installPackage(directory)
    const written = { '"$PWD"': kind === 'package' ? '"$PWD/node_modules/penstock"' : JSON.stringify(checkout) }
    const all = commandBlocks(pluginGuide)
    const writesConnectors = all.slice(
      0,
      all.findIndex(({ background }) => background),
    )
    const outputs: string[] = []
    for (const { text } of [...writesConnectors, ...commandBlocks(testGuide)])
      outputs.push(await runToEnd(substitute(text, written)))
    const [, , , , ticker, webhook, broken, removed] = outputs
    for (const report of [ticker, webhook]) expect(report).toMatch(/^(?:#|ℹ) fail 0$/m)
    expect(ticker).toContain('resumes exactly after the offset of any record')
    expect(webhook).toContain('has the plugins that package.json lists')
    expect(broken).toContain('com.acme.WebhookSinkConnector does not hold its contract')
    expect(broken).toMatch(
      /what it did: {5}preCommit returned \d+ of first-0, although the task received only records before/,
    )
    expect(removed).toBe('')
  })
})

function databaseNamed(name: string): URL {
  const database = new URL(service('postgres'))
  database.pathname = `/${name}`
  return database
}

async function expectRunning(rest: string, connector: string): Promise<void> {
  const status = (await (await fetch(`${rest}/connectors/${connector}/status`)).json()) as {
    tasks: { state: string }[]
  }
  expect(status.tasks).toMatchObject([{ state: 'RUNNING' }])
}

async function administer(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

function bucketOf(store: URL): { make: (name: string) => Promise<void>; list: (name: string) => Promise<string[]> } {
  const credentials = { accessKeyId: store.username, secretAccessKey: store.password }
  const client = new S3Client({ endpoint: store.origin, region: 'us-east-1', forcePathStyle: true, credentials })
  return {
    async make(name) {
      await client.send(new CreateBucketCommand({ Bucket: name }))
    },
    async list(name) {
      const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: name }))
      return (Contents ?? []).map(({ Key }) => Key ?? '')
    },
  }
}
