import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from 'penstock/api'
import { ElasticsearchClient } from '../elasticsearch/elasticsearch-client.ts'
import { sourceConfig } from '../worker/pipeline.ts'
import { TestDatabase } from './postgres.ts'
import { seededRandom } from '../seeded-random.ts'
import { eventually, workerPlace, WorkerProcess, type WorkerPlace } from '../worker/worker-process.ts'

export interface RowFuzz {
  readonly postgres: string
  readonly elasticsearch: string
  readonly seed: number
  /** The duration of the changes. */
  readonly ms: number
  /** The disturbance: the worker is killed, or the connections to Postgres are terminated. */
  readonly disturb: 'kill' | 'terminate'
}

/** The result; `wrong` is empty when every document equals its row. */
export interface RowFuzzReport {
  readonly operations: number
  readonly disturbances: number
  readonly rows: number
  readonly wrong: readonly string[]
  /** The sink's conditions at the end, and the failures of tasks. */
  readonly traces: readonly string[]
}

const ids = 200
const table = `
create table t (id int primary key, v text, big text, n numeric(12,3), ts timestamptz);
alter table t alter big set storage external;
insert into t select i, 'v' || i, repeat(md5(i::text), 100), i * 1.5, now() from generate_series(1, 150) i;
`

/**
 * Changes rows at random — large values left alone, keys, savepoints, rollbacks, columns — while the pipeline to
 * Elasticsearch is disturbed, and compares documents with rows.
 */
export async function fuzzRows(fuzz: RowFuzz): Promise<RowFuzzReport> {
  const database = await TestDatabase.create(fuzz.postgres, 'fuzz')
  const directory = mkdtempSync(join(tmpdir(), 'penstock-fuzz-'))
  const run = new Run(fuzz, database, await workerPlace(directory))
  try {
    return await run.report()
  } finally {
    await run.end()
    await database.drop()
    await fetch(`${fuzz.elasticsearch}/${database.name}.public.t`, { method: 'DELETE' })
    rmSync(directory, { recursive: true, force: true })
  }
}

class Run {
  readonly #fuzz: RowFuzz
  readonly #database: TestDatabase
  readonly #place: WorkerPlace
  readonly #random: () => number
  #worker: WorkerProcess | null = null
  #operations = 0
  #disturbances = 0

  constructor(fuzz: RowFuzz, database: TestDatabase, place: WorkerPlace) {
    this.#fuzz = fuzz
    this.#database = database
    this.#place = place
    this.#random = seededRandom(fuzz.seed)
  }

  async report(): Promise<RowFuzzReport> {
    await this.#database.play(table)
    const worker = await this.#started()
    const { name, url } = this.#database
    await worker.post('source', sourceConfig({ database: url.href, tables: ['t'], prefix: name, slot: name }))
    await worker.post('search', {
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      topics: `${name}.public.t`,
      'connection.url': this.#fuzz.elasticsearch,
    })
    await this.#change()
    let wrong: readonly string[] = []
    let traces: readonly string[] = []
    await eventually('documents equal rows, and the tasks have nothing to say', 120_000, async () => {
      traces = await this.#traces()
      wrong = await this.#differences()
      return wrong.length === 0 && traces.length === 0 ? true : null
    }).catch(() => undefined)
    const rows = await this.#database.rows('select 1 from t')
    return { operations: this.#operations, disturbances: this.#disturbances, rows: rows.length, wrong, traces }
  }

  async end(): Promise<void> {
    await this.#worker?.kill()
  }

  async #started(): Promise<WorkerProcess> {
    this.#worker = await WorkerProcess.start(this.#place, { 'offset.flush.interval.ms': '500' })
    return this.#worker
  }

  async #change(): Promise<void> {
    const end = systemClock.monotonic() + this.#fuzz.ms
    const kill = this.#fuzz.disturb === 'kill'
    let disturbAt = systemClock.monotonic() + (kill ? 4000 : 800)
    while (systemClock.monotonic() < end) {
      await this.#transaction()
      if (this.#random() < 0.03) await this.#run(`alter table t add column if not exists x${this.#below(5)} int`)
      if (this.#random() < 0.02) await this.#run('vacuum t')
      await systemClock.sleep(this.#below(12))
      if (systemClock.monotonic() < disturbAt) continue
      await (kill ? this.#kill() : this.#terminate())
      this.#disturbances += 1
      disturbAt = systemClock.monotonic() + (kill ? 2500 + this.#below(3000) : 300 + this.#below(900))
    }
  }

  async #transaction(): Promise<void> {
    if (this.#random() >= 0.4) {
      await this.#tried(this.#statement())
      return
    }
    await this.#run('begin')
    const count = 1 + this.#below(12)
    for (let i = 0; i < count; i++) {
      await this.#run('savepoint s')
      if (!(await this.#tried(this.#statement())) || this.#random() < 0.1) await this.#run('rollback to s')
    }
    await this.#run(this.#random() < 0.1 ? 'rollback' : 'commit')
  }

  async #run(sql: string): Promise<void> {
    await this.#database.rows(sql)
  }

  /** False when the new key of a row is in use: the statement did nothing. */
  async #tried(sql: string): Promise<boolean> {
    try {
      await this.#run(sql)
      return true
    } catch (error) {
      if (isUniqueViolation(error)) return false
      throw error
    }
  }

  #statement(): string {
    const id = 1 + this.#below(ids)
    const other = 1 + this.#below(ids)
    const n = (this.#operations += 1)
    const kind = this.#random()
    if (kind < 0.25)
      return `insert into t values (${id}, 'i${n}', repeat(md5('${n}'), 100), ${n} / 8.0, now()) on conflict (id) do update set v = excluded.v, big = excluded.big`
    if (kind < 0.55) return `update t set v = 'u${n}', n = ${n} / 3.0 where id = ${id}`
    if (kind < 0.62) return `update t set big = repeat(md5('${n}'), 100) where id = ${id}`
    if (kind < 0.68) return `update t set id = ${other} where id = ${id}`
    if (kind < 0.72) return `update t set id = ${other}, big = big || 'x' where id = ${id}`
    if (kind < 0.9) return `delete from t where id = ${id}`
    return `update t set v = v || 'm' where id between ${id} and ${id + 30}`
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  async #kill(): Promise<void> {
    await this.#worker?.kill()
    await this.#started()
  }

  async #terminate(): Promise<void> {
    const other = await this.#database.connect()
    await other.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'Penstock%' and datname = $1",
      [this.#database.name],
    )
    await other.end()
  }

  async #differences(): Promise<readonly string[]> {
    const rows = await this.#database.rows<Row>('select id::text, v, big, n::text from t')
    const texts = await new ElasticsearchClient(this.#fuzz.elasticsearch).documents(`${this.#database.name}.public.t`)
    const documents = new Map([...texts].map(([id, text]) => [id, JSON.parse(text) as Row]))
    const wrong: string[] = []
    for (const { id, v, big, n } of rows) {
      const found = documents.get(id)
      documents.delete(id)
      if (found === undefined) wrong.push(`row ${id} is missing`)
      else if (found.v !== v || found.big !== big || found.n !== n)
        wrong.push(`row ${id}: ${v} ${n} ${big?.length}, document: ${found.v} ${found.n} ${found.big?.length}`)
    }
    for (const id of documents.keys()) wrong.push(`document ${id} has no row`)
    return wrong
  }

  async #traces(): Promise<readonly string[]> {
    const status = (await this.#worker?.request('GET', '/connectors/search/status')) as Status
    const shown = status.tasks.flatMap(({ trace }) => trace ?? [])
    return [...((await this.#worker?.failures()) ?? []), ...shown]
  }
}

interface Row {
  readonly id: string
  readonly v: string | null
  readonly big: string | null
  readonly n: string | null
}

interface Status {
  readonly tasks: readonly { readonly trace?: string }[]
}

function isUniqueViolation(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23505'
}
