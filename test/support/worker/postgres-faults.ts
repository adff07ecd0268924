import pg from 'pg'
import { until, untilPasses } from '../until.ts'
import type { FaultCase, FaultGround } from './diagnosis-cases.ts'
import { sourceConfig } from './pipeline.ts'

const converters = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
}

/** SQL in the database of a case. */
export async function sql(url: string, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

/** A source of a table in a database of its own; it streams when this resolves. */
async function source(
  ground: FaultGround,
  name: string,
  config: Readonly<Record<string, string>> = {},
): Promise<string> {
  const database = new URL(ground.postgres)
  const own = name.replaceAll('-', '_')
  await sql(ground.postgres, `create database ${own}`)
  database.pathname = `/${own}`
  await sql(database.href, 'create table lines (id int primary key, line text)', "insert into lines values (1, 'a')")
  await ground.worker.post(name, {
    ...sourceConfig({ database: database.href, tables: ['lines'], prefix: own, slot: own }),
    ...converters,
    ...config,
  })
  return database.href
}

/** A fault of a source that streams already. */
interface StreamFault extends Omit<FaultCase, 'inject'> {
  readonly breaks: (ground: FaultGround, url: string, name: string) => Promise<void>
}

const streamFaults: readonly StreamFault[] = [
  {
    title: 'a transaction holds the slot back',
    breaks: async ({ cleanups }, url) => {
      const holder = new pg.Client({ connectionString: url })
      holder.on('error', () => undefined)
      cleanups.push(() => holder.end())
      await holder.connect()
      await holder.query('begin')
      await holder.query("insert into lines values (1000, 'open')")
      await sql(url, 'create table filler as select i, repeat(md5(i::text), 20) as t from generate_series(1, 40000) i')
    },
    code: 'PG_SLOT_HELD_BACK',
    severity: 'warning',
    cause: /held back by pid \d+, idle in transaction for \d+ s/,
    command: /^SELECT pg_terminate_backend\(\d+\);$/,
  },
  {
    title: 'a table was dropped from the publication',
    breaks: async (_ground, url, name) =>
      await sql(url, `alter publication ${name.replaceAll('-', '_')} drop table lines`),
    code: 'PG_NOT_PUBLISHED',
    cause: /does not cover public\.lines/,
    command: /ALTER PUBLICATION .* ADD TABLE/,
  },
  {
    title: 'a table lost its replica identity',
    breaks: async (_ground, url) => await sql(url, 'alter table lines drop constraint lines_pkey'),
    code: 'PG_REPLICA_IDENTITY',
    severity: 'warning',
    cause: /public\.lines has no replica identity/,
    command: /REPLICA IDENTITY FULL/,
  },
  {
    title: 'the table was dropped',
    breaks: async (_ground, url) => await sql(url, 'drop table lines'),
    code: 'PG_TABLE',
    severity: 'warning',
    cause: /public\.lines/,
  },
  {
    title: 'the slot was dropped while the connector was stopped',
    breaks: async ({ worker }, url, name) => {
      await worker.request('PUT', `/connectors/${name}/stop`)
      await dropSlot(url, name.replaceAll('-', '_'))
      await worker.request('PUT', `/connectors/${name}/resume`)
    },
    code: 'PG_SLOT_MISSING',
    cause: /does not exist/,
  },
]

/** A walsender that ends holds its slot for a moment. */
async function dropSlot(url: string, slot: string): Promise<void> {
  await untilPasses(async () => await sql(url, `select pg_drop_replication_slot('${slot}')`))
}

export const postgresFaults: readonly FaultCase[] = streamFaults.map(({ breaks, ...fault }) =>
  Object.assign({}, fault, {
    inject: async (ground: FaultGround, name: string) => {
      const url = await source(ground, name)
      await until(`${name} streams`, async () => {
        const status = (await ground.worker.request('GET', `/connectors/${name}/offsets`)) as {
          offsets: { offset: object }[]
        }
        return status.offsets.some(({ offset }) => 'lsn' in offset && !('snapshot' in offset))
      })
      await breaks(ground, url, name)
    },
  }),
)
