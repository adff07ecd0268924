import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Client } from 'pg'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'

import { systemClock } from '../../../src/foundation/clock.ts'
import { isAlive } from '../../../src/foundation/process/process-identity.ts'
import type { ServerKind } from '../../../src/servers/process/server.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { serviceVariables } from '../../support/service-names.ts'
import { describeWith, service } from '../../support/services.ts'

const directory = mkdtempSync(join(tmpdir(), 'penstock-test-'))
// The account that root's servers run as must be able to pass.
chmodSync(directory, 0o755)
afterAll(() => rmSync(directory, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, unknown>>(text)
    return rows
  } finally {
    await client.end()
  }
}

describe('Postgres of ours', () => {
  it('decodes logically, keeps its data over a stop, a kill and another start, and ends with its user', async () => {
    const servers = Servers.open()
    const server = await servers.get('postgres', { settings: { max_replication_slots: '7' } })
    expect(server.description).toMatch(/^PostgreSQL \d+/)
    expect(await query(server.address, 'SHOW wal_level')).toEqual([{ wal_level: 'logical' }])
    expect(await query(server.address, 'SHOW max_replication_slots')).toEqual([{ max_replication_slots: '7' }])
    await query(server.address, 'CREATE TABLE kept AS SELECT 42 AS answer')
    await server.stop()
    expect(server.pid).toBeNull()
    await server.start()
    server.kill('SIGKILL')
    await server.stop()
    await server.start()
    expect(await query(server.address, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }])
    const { pid } = server
    await servers.close()
    expect(pid !== null && isAlive(pid)).toBe(false)
  })

  it('is found again with its data in a directory that is kept', async () => {
    for (const count of [1, 2]) {
      const servers = await Servers.keep(join(directory, 'kept'))
      const server = await servers.get('postgres')
      await query(server.address, 'CREATE TABLE IF NOT EXISTS runs (id serial)')
      await query(server.address, 'INSERT INTO runs DEFAULT VALUES')
      expect(await query(server.address, 'SELECT count(*)::int FROM runs')).toEqual([{ count }])
      await servers.close()
    }
  })

  it('says why it did not start, with the end of its log', async () => {
    const servers = Servers.open()
    await expect(servers.get('postgres', { settings: { max_connections: 'many' } })).rejects.toThrow(
      /PostgreSQL .* did not start: it ended with code 1[^]*invalid value for parameter "max_connections"/,
    )
    await servers.close()
  })
})

describe('a server that is given', () => {
  it('is rejected when it does not respond, without its password', async () => {
    let passed = 0
    const sleep = async (ms: number): Promise<void> => {
      passed += ms * 100
    }
    const servers = Servers.open({ clock: { ...systemClock, monotonic: () => passed, sleep } })
    await expect(servers.get('postgres', { given: 'postgres://u:secret@127.0.0.1:1/db' })).rejects.toThrow(
      /^Postgres at postgres:\/\/u:\*\*\*@127\.0\.0\.1:1\/db does not respond: not ready after 10 s \(.*ECONNREFUSED/,
    )
    await servers.close()
  })
})

describe('a server that is not available', () => {
  it('is named with each way that was tried, and with what to provide', async () => {
    const servers = Servers.open({ env: { PATH: '/nowhere', PENSTOCK_CACHE: join(directory, 'cache') } })
    vi.stubEnv('PATH', '/nowhere')
    await expect(servers.get('elasticsearch')).rejects.toThrow(
      'Elasticsearch is not available: Docker: no docker on PATH; Maven: no java in JAVA_HOME or on PATH (17 or later is needed). Set PENSTOCK_ELASTICSEARCH_URL',
    )
    await expect(servers.get('versitygw')).rejects.toThrow(/Go: no go on PATH\. Set PENSTOCK_S3_URL/)
    await servers.close()
  })
})

const kinds: readonly ServerKind[] = ['postgres', 'elasticsearch', 'minio', 'versitygw', 'kafka', 'apicurio']

describeWith(
  ['postgres', 'elasticsearch', 'minio', 'versitygw', 'kafka', 'apicurio'],
  'the servers of this run',
  () => {
    it.each(kinds)('%s responds as a given server does', async (kind) => {
      const servers = Servers.open()
      const server = await servers.get(kind, { given: service(kind) })
      expect(server.ours).toBe(false)
      await expect(server.stop()).rejects.toThrow(/was not started here/)
      expect(serviceVariables[kind]).toMatch(/^TEST_/)
      await servers.close()
    })
  },
)

describe('a Docker engine', () => {
  it('runs the image that docker-compose.yml names, keeps the container over a stop and removes it at the end', async () => {
    vi.stubEnv('CALLS', join(directory, 'calls'))
    const engine = join(import.meta.dirname, '../../support/docker-engine')
    const servers = Servers.open({
      env: { ...process.env, PATH: `${engine}:${process.env['PATH']}` },
    })
    const server = await servers.get('minio')
    expect(server.description).toMatch(/^MinIO \(minio\/minio:RELEASE\.\S+ in Docker\)$/)
    await server.stop()
    await server.start()
    await servers.close()
    const calls = readFileSync(join(directory, 'calls'), 'utf8').trim().split('\n')
    expect(calls.map((call) => call.split(' ')[0])).toEqual(['version', 'create', 'start', 'start', 'rm'])
    expect(calls[1]).toMatch(/--publish 127\.0\.0\.1:\d+:9000 .*MINIO_ROOT_USER=penstock .* server --address :9000/)
  })
})
