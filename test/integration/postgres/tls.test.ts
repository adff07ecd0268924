import { chmodSync, chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RawConfig } from 'penstock/api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serverAccount } from '../../../src/servers/account.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { sourceBench, story } from '../../support/postgres/postgres-source.ts'
import { selfSigned } from '../../support/tls/self-signed.ts'

describe('the Postgres source over TLS', () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-tls-'))
  const { certificate, key } = selfSigned(directory, 'localhost', 'DNS:localhost')
  const servers = Servers.open()
  let address = ''
  const bench = sourceBench(() => address)

  beforeAll(async () => {
    chmodSync(directory, 0o755)
    chmodSync(key, 0o600)
    const account = serverAccount()
    if (account !== null) chownSync(key, account.uid, account.gid)
    const settings = { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key }
    address = (await servers.get('postgres', { settings })).address
  })
  afterAll(async () => {
    await servers.close()
    rmSync(directory, { recursive: true })
  })

  async function follow(config: RawConfig): Promise<{ story: string[]; encrypted: boolean[] }> {
    const db = await bench.database(
      `create table t (id int primary key, v text); insert into t values (1, repeat('x', 100000))`,
    )
    const source = await bench.source(db.config({ 'database.hostname': 'localhost', ...config }))
    await source.waitForRecords(1)
    await db.play(`insert into t select g, repeat('y', 1000) from generate_series(2, 2000) g`)
    await source.waitForRecords(2000)
    const connections = await db.rows<{ ssl: boolean }>(
      `select ssl from pg_stat_ssl s join pg_stat_activity a using (pid) where a.application_name like 'Penstock%' and a.datname = $1`,
      [db.name],
    )
    return { story: story(source.records), encrypted: connections.map((connection) => connection.ssl) }
  }

  it.each([
    ['prefer', {}, true],
    ['require', {}, true],
    ['verify-ca', { 'database.sslrootcert': certificate, 'database.hostname': '127.0.0.1' }, true],
    ['verify-full', { 'database.sslrootcert': certificate }, true],
    ['disable', {}, false],
    ['allow', {}, false],
  ])('reads and follows with sslmode %s', async (mode, extra, encrypted) => {
    const seen = await follow({ ...extra, 'database.sslmode': mode })
    expect(seen.story).toEqual(['r [1]', ...Array.from({ length: 1999 }, (_, i) => `c [${i + 2}]`)])
    expect(new Set(seen.encrypted)).toEqual(new Set([encrypted]))
  })

  it('rejects an unknown certificate, and one for another name', async () => {
    const db = await bench.database('create table t (id int primary key)')
    for (const config of [
      { 'database.sslmode': 'verify-ca' },
      { 'database.sslmode': 'verify-full', 'database.sslrootcert': certificate, 'database.hostname': '127.0.0.1' },
    ]) {
      const source = await bench.source(db.config(config))
      expect((await source.failure()).message).toMatch(/^PG_TLS: .*certificate.*database\.sslrootcert/i)
    }
  })

  it.each([
    ['database.sslrootcert', 'certificate'],
    ['database.sslcert', 'certificate'],
    ['database.sslkey', 'key'],
  ])('names %s when its file holds no such thing', async (option, what) => {
    const db = await bench.database('create table t (id int primary key)')
    const other = option === 'database.sslkey' ? certificate : key
    const files = { 'database.sslcert': certificate, 'database.sslkey': key, [option]: other }
    const source = await bench.source(db.config({ 'database.sslmode': 'require', ...files }))
    expect((await source.failure()).message).toMatch(
      new RegExp(`^PG_TLS_FILE: ${option} holds no usable ${what} \\(.+\\): ${other}$`),
    )
  })

  it('names a file of certificates that cannot be read', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const source = await bench.source(
      db.config({ 'database.sslmode': 'verify-full', 'database.sslrootcert': '/nowhere' }),
    )
    expect((await source.failure()).message).toBe('PG_TLS_FILE: database.sslrootcert cannot be read: /nowhere')
  })
})
