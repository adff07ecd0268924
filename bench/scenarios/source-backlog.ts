import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Backlog } from '../parts/backlog.ts'
import { runBacklog, type BacklogRun } from '../parts/backlog-run.ts'
import { recvlogicalBinary } from '../parts/pg-recvlogical.ts'
import type { Measurement } from '../parts/results.ts'
import { TopicWatch } from '../parts/topic-watch.ts'
import { BenchError } from '../parts/bench-error.ts'
import { BenchWorker } from '../parts/worker.ts'
import type { BenchContext } from '../parts/context.ts'
import { debeziumBacklog } from './debezium-backlog.ts'

const withSchemas = { 'value.converter.schemas.enable': 'true', 'key.converter.schemas.enable': 'true' }

const avroConverter = 'io.confluent.connect.avro.AvroConverter'
const withAvro = { 'value.converter': avroConverter, 'key.converter': avroConverter }

/**
 * Measures a backlog of rows → durable records, one table, one partition. Rivals: `pg_recvlogical` to /dev/null, and Debezium
 * with `--peer debezium`. The first run of each is a warm-up.
 */
export async function sourceBacklog(context: BenchContext): Promise<readonly Measurement[]> {
  const postgres = await context.servers.get('postgres')
  const backlog = await Backlog.make(postgres.address, context.rows)
  try {
    const ours: BacklogRun[] = []
    const schemas: BacklogRun[] = []
    const avro: BacklogRun[] = []
    const rival: number[] = []
    for (let run = 0; run <= context.runs; run++) {
      rival.push(await receive(backlog, run))
      ours.push(await penstock(backlog, `run${run}`, {}, context))
      schemas.push(await penstock(backlog, `schemas${run}`, withSchemas, context))
      avro.push(await penstock(backlog, `avro${run}`, withAvro, context))
    }
    const conditions = {
      rows: backlog.rows,
      table: 'one',
      partitions: 1,
      schemas: false,
      compression: 'none',
      postgres: postgres.description,
    }
    const measurements = [
      ...measured('penstock', ours.slice(1), backlog.rows, conditions),
      ...measured('penstock, with schemas', schemas.slice(1), backlog.rows, { ...conditions, schemas: true }),
      ...measured('penstock, Avro', avro.slice(1), backlog.rows, { ...conditions, schemas: 'embedded registry' }),
      rowsPerSecond(
        'pg_recvlogical',
        rival.slice(1).map((seconds) => backlog.rows / seconds),
        conditions,
      ),
    ]
    if (!context.peers.has('debezium')) return measurements
    const peer = await debeziumBacklog(backlog, context)
    return [
      ...measurements,
      ...peer.flatMap(({ who, runs, config }) =>
        measured(who, runs, backlog.rows, {
          ...conditions,
          compression: config['producer.override.compression.type'] ?? 'none',
          ...config,
        }),
      ),
    ]
  } finally {
    await backlog.close()
  }
}

function rowsPerSecond(who: string, samples: readonly number[], conditions: Measurement['conditions']): Measurement {
  return { what: 'backlog → durable log', who, unit: 'rows/s', samples, conditions }
}

/** Returns rates, CPU and memory of the runs. */
function measured(
  who: string,
  runs: readonly BacklogRun[],
  rows: number,
  conditions: Measurement['conditions'],
): readonly Measurement[] {
  const perMillion = 1_000_000 / rows
  const of = (what: string, unit: string, pick: (run: BacklogRun) => number): Measurement => ({
    what,
    who,
    unit,
    samples: runs.map(pick),
    conditions,
  })
  return [
    rowsPerSecond(
      who,
      runs.map((run) => run.rowsPerSecond),
      conditions,
    ),
    of('CPU a million rows', 's', (run) => run.cpuSeconds * perMillion),
    of('peak RSS', 'MB', (run) => run.peakRssBytes / 1e6),
  ]
}

async function receive(backlog: Backlog, run: number): Promise<number> {
  const slot = await backlog.slot(`bench_recv${run}`)
  const args = [
    '-d',
    backlog.url,
    '--slot',
    slot,
    '--start',
    '--endpos',
    await backlog.walEnd(),
    '-f',
    '/dev/null',
    '-o',
    'proto_version=1',
    '-o',
    `publication_names=${backlog.publication}`,
  ]
  const began = performance.now()
  const child = spawn(recvlogicalBinary(), args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const [code] = (await once(child, 'exit')) as [number | null]
  if (code !== 0) throw new BenchError(`pg_recvlogical ended with ${String(code)}`)
  const seconds = (performance.now() - began) / 1000
  await backlog.dropSlot(slot)
  return seconds
}

async function penstock(
  backlog: Backlog,
  name: string,
  settings: Readonly<Record<string, string>>,
  context: BenchContext,
): Promise<BacklogRun> {
  const slot = await backlog.slot(`bench_${name}`)
  const worker = await BenchWorker.launch({ ...context.worker, settings })
  try {
    const watch = await TopicWatch.open(worker.broker)
    const run = await runBacklog(backlog, worker, watch, { name, slot, config: {} })
    await watch.close()
    return run
  } finally {
    await worker.stop()
    await backlog.dropSlot(slot)
  }
}
