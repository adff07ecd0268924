import { from as copyFrom } from 'pg-copy-streams'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'

import { FaultProxy } from '../../support/fault-proxy.ts'
import { countedRows, lastId, loadTables, writeLastRow } from '../../support/load/load-tables.ts'
import { ChangeLoad } from '../../support/postgres/change-load.ts'
import { describeWith, service } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import type { CapturedTable } from '../../support/worker/captured-table.ts'
import { TakeOverGroup } from '../../support/worker/take-over-group.ts'

const timeoutMs = 300_000
const logChars = 20_000
const ledgerRows = 300
/** Changes that each worker has to stream before the next one takes over. */
const share = 200
/** Rows of one COPY; Postgres writes many of them in one WAL record, with one LSN. */
const copied = 20_000
/** A text that is in no other row. */
const copyNote = (id: number): string => `row ${id} of a copy`

describeWith(['kafka', 'postgres'], 'a connector that Kafka Connect and Penstock take over from each other', () => {
  const tables: CapturedTable[] = []
  let group: TakeOverGroup
  let load: ChangeLoad
  let proxy: FaultProxy
  let copies: CapturedTable
  let reads = 0
  let begun = 0

  const changes = (): number => tables.reduce((sum, table) => sum + table.changes, 0)
  const resent = (): number => [...tables, copies].reduce((sum, { history }) => sum + history.resent, 0)
  /** The worker that has just started runs the connector of the one before, with its config, and streams on. */
  const continues = async (): Promise<void> => {
    await group.running()
    expect(await group.request('GET', '/connectors/shop/config')).toEqual(group.config)
    begun = changes()
    await until('changes of this worker', () => changes() >= begun + share)
  }
  /** Nothing was lost so far that a row's later change would show, and no snapshot was taken. */
  const expectWhole = (): void => {
    expect(tables.flatMap(({ history }) => history.faults)).toEqual([])
    expect(tables.reduce((sum, table) => sum + table.reads, 0)).toBe(reads)
  }

  beforeAll(async () => {
    group = await TakeOverGroup.open('take-over')
    const { database } = group
    load = await ChangeLoad.make(service('postgres'), database, { ledgerRows, seed: 7, connections: 2 })
    await load.rows('CREATE TABLE copied (id bigint PRIMARY KEY, rev int NOT NULL, note text)')
    await load.rows('INSERT INTO copied VALUES (0, 0)')
    const { hostname, port } = new URL(load.url)
    proxy = await FaultProxy.open(hostname, Number(port === '' ? 5432 : port))
    load.start(400, ledgerRows)
    await group.startJava()
    const url = new URL(load.url)
    url.host = `127.0.0.1:${proxy.port}`
    await group.create(url.href, [...loadTables, 'copied'])
    const followed = await group.follow([...loadTables, 'copied'])
    copies = followed.pop() as CapturedTable
    tables.push(...followed)
    // A table whose topic has a change has been read whole.
    await until('changes of each table', () => tables.every((table) => table.changes >= share / 4))
    reads = tables.reduce((sum, table) => sum + table.reads, 0)
  }, timeoutMs)
  afterEach(({ task }) => {
    if (task.result?.state === 'fail')
      process.stderr.write(`the end of the worker's log:\n${group.worker?.output.slice(-logChars)}\n`)
  })
  afterAll(async () => {
    await group?.close()
    await load?.stop()
    await load?.drop()
    await proxy?.close()
  })

  /**
   * Copies the next rows. The stream to the worker stalls in the middle of them; returns once it has delivered a row of them.
   * @param row counted from the first one; the worker must be sure to deliver it without more of the stream
   */
  const copyHalf = async (first: number, row: number): Promise<void> => {
    const middle = first + copied / 2
    proxy.stallAt(copyNote(middle))
    const client = new pg.Client({ connectionString: load.url })
    await client.connect()
    const stream = client.query(copyFrom('COPY copied FROM STDIN'))
    for (let id = first; id < first + copied; id += 1) stream.write(`${id}\t0\t${copyNote(id)}\n`)
    await new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject).end())
    await client.end()
    await until('the stream to stall', () => proxy.isStalled)
    await until(`row ${row} of the copy`, () => copies.has(first + row))
    expect(copies.has(first + copied - 1)).toBe(false)
  }
  const release = (): void => {
    proxy.cut()
    proxy.flow()
  }
  const expectCopied = async (first: number): Promise<void> => {
    const missing = (): number => {
      let count = 0
      for (let id = first; id < first + copied; id += 1) if (!copies.has(id)) count += 1
      return count
    }
    await until(
      () => `all copied rows, of which ${missing()} are missing`,
      () => missing() === 0,
    )
  }

  it(
    'is continued by Penstock where a stopped worker of Kafka Connect has ended, with at most its last change twice',
    async () => {
      await group.worker?.stop()
      await group.startPenstock()
      await continues()
      expectWhole()
      // The deletion and the creation of an update of the key have one offset in Debezium.
      expect(resent()).toBeLessThanOrEqual(2)
    },
    timeoutMs,
  )

  it(
    'is continued by Kafka Connect where a stopped worker of Penstock has ended, with nothing twice',
    async () => {
      const before = resent()
      await group.worker?.stop()
      await group.startJava()
      await continues()
      expectWhole()
      expect(resent()).toBe(before)
    },
    timeoutMs,
  )

  it(
    'loses nothing in the middle of a COPY, when Kafka Connect is killed and Penstock continues',
    async () => {
      // The stream may stall within a message, and then Debezium commits nothing and delivers nothing that it has queued: 8192 rows.
      await copyHalf(1_000_000, 0)
      await group.worker?.kill()
      release()
      await group.startPenstock()
      await expectCopied(1_000_000)
      await continues()
      expectWhole()
    },
    timeoutMs,
  )

  it(
    'loses nothing in the middle of a COPY, when Penstock is stopped and Kafka Connect continues',
    async () => {
      // Of the last WAL record that it received, Penstock may keep rows back.
      await copyHalf(2_000_000, copied / 2 - 1000)
      await group.worker?.stop()
      release()
      await group.startJava()
      await expectCopied(2_000_000)
      await continues()
      expectWhole()
    },
    timeoutMs,
  )

  it(
    'loses nothing when each is killed, and holds at the end what the tables hold',
    async () => {
      await group.worker?.kill()
      await group.startPenstock()
      await continues()
      await group.worker?.kill()
      await group.startJava()
      await continues()
      await load.stop()
      for (const [i, table] of loadTables.entries()) {
        await writeLastRow(load, table)
        const seen = tables[i] as CapturedTable
        await until(`the last row of ${table}`, () => seen.has(lastId))
        for await (const { id, rev } of countedRows(load, table)) seen.history.expect(id, rev)
        seen.history.finish()
      }
      expectWhole()
    },
    timeoutMs,
  )
})
