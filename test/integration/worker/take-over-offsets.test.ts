import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { describeWith, service } from '../../support/services.ts'
import { patienceMs, until } from '../../support/until.ts'
import type { CapturedTable } from '../../support/worker/captured-table.ts'
import { TakeOverGroup } from '../../support/worker/take-over-group.ts'

const timeoutMs = 4 * patienceMs

interface StoredOffset {
  readonly lsn_commit?: number
  readonly messageType?: string
}

describeWith(['kafka', 'postgres'], 'an offset by which the other kind of worker continues', () => {
  let group: TakeOverGroup
  let admin: pg.Client
  let table: CapturedTable
  const clients: pg.Client[] = []

  const connect = async (database: string): Promise<pg.Client> => {
    const url = new URL(service('postgres'))
    url.pathname = `/${database}`
    const client = new pg.Client({ connectionString: url.href })
    clients.push(client)
    await client.connect()
    return client
  }
  const storedOffset = async (): Promise<StoredOffset> => {
    const { offsets } = (await group.request('GET', '/connectors/shop/offsets')) as {
      readonly offsets: readonly { readonly partition: object; readonly offset: StoredOffset }[]
    }
    return offsets.find(({ partition }) => !('penstock' in partition))?.offset ?? {}
  }

  beforeAll(async () => {
    group = await TakeOverGroup.open('offsets')
    const { database } = group
    admin = await connect('postgres')
    await admin.query(`CREATE DATABASE ${database}`)
    const client = await connect(database)
    await client.query('CREATE TABLE t (id bigint PRIMARY KEY, rev int NOT NULL)')
    await client.query('INSERT INTO t VALUES (0, 0)')
    await group.startPenstock()
    const url = new URL(service('postgres'))
    url.pathname = `/${database}`
    await group.create(url.href, ['t'])
    ;[table = table] = await group.follow(['t'])
    await until('the snapshot', () => table.has(0))
  }, timeoutMs)
  afterAll(async () => {
    await group?.close()
    await Promise.all(clients.filter((client) => client !== admin).map((client) => client.end()))
    await admin?.query(
      `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '${group.database}'`,
    )
    await admin?.query(`DROP DATABASE ${group.database} WITH (FORCE)`)
    await admin?.end()
  })

  it(
    'of Penstock hides no row of a transaction that wrote it where another one ended',
    async () => {
      const [open, other] = [await connect(group.database), await connect(group.database)]
      await open.query('BEGIN')
      await open.query('INSERT INTO t VALUES (1, 0)')
      let last = 1
      const isAtEnd = async (): Promise<boolean> => {
        last += 1
        await other.query(`INSERT INTO t VALUES (${last * 1000}, 0)`)
        // One message: nothing but what other databases write comes between.
        const at = `SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn AS lsn; INSERT INTO t VALUES (${last}, 0)`
        const [before] = (await open.query(at)) as unknown as readonly pg.QueryResult<{ readonly lsn: string }>[]
        const lsn = Number(before?.rows[0]?.lsn)
        let stored: StoredOffset = {}
        await until('the end of the transaction to be stored', async () => {
          stored = await storedOffset()
          return stored.messageType === 'COMMIT' && Number(stored.lsn_commit) >= lsn
        })
        return stored.lsn_commit === lsn
      }
      await until('a row that begins where the other transaction ends', isAtEnd)
      await group.worker?.stop()
      await group.startJava()
      await group.running()
      await open.query('COMMIT')
      await other.query('INSERT INTO t VALUES (900001, 0)')
      await until('the row after them', () => table.has(900001))
      const missing = Array.from({ length: last }, (_, i) => i + 1).filter((id) => !table.has(id))
      expect(missing).toEqual([])
      expect(table.history.resent).toBe(0)
    },
    timeoutMs,
  )

  it(
    'of Kafka Connect does not hide a creation whose deletion was its last record',
    async () => {
      const client = await connect(group.database)
      await client.query('UPDATE t SET id = 900002 WHERE id = 900001')
      await until('the record of the new key', () => table.has(900002))
      await group.worker?.stop()
      await group.startPenstock()
      await group.running()
      await client.query('INSERT INTO t VALUES (900003, 0)')
      await until('the next row', () => table.has(900003))
      // Both records had the same offset, so the worker before may have ended between them.
      expect(table.history.resent).toBe(2)
      await group.worker?.stop()
      await group.startPenstock()
      await client.query('INSERT INTO t VALUES (900004, 0)')
      await until('the row after a restart', () => table.has(900004))
      expect(table.history.resent).toBe(2)
      expect(table.history.faults).toEqual([])
    },
    timeoutMs,
  )
})
