import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Servers } from '../src/servers/servers.ts'
import { peers, type BenchContext, type Peer } from './parts/context.ts'
import { renderReport } from './parts/report.ts'
import { keep, machine, type Measurement } from './parts/results.ts'
import { short } from './parts/stats.ts'
import { BenchError } from './parts/bench-error.ts'

/** A measurement with its own servers. One with a `peer` runs only if that rival is requested. */
interface Part {
  readonly peer?: Peer
  readonly measure: (context: BenchContext) => Promise<readonly Measurement[]>
}

const scenarios: Readonly<Record<string, readonly Part[]>> = {
  source: [{ measure: async (context) => (await import('./scenarios/source-backlog.ts')).sourceBacklog(context) }],
  latency: [{ measure: async (context) => (await import('./scenarios/latency.ts')).latency(context) }],
  launch: [
    { measure: async (context) => (await import('./scenarios/launch.ts')).launch(context) },
    { peer: 'debezium', measure: (context) => measureDebezium(context, false) },
  ],
  sinks: [{ measure: async (context) => (await import('./scenarios/sinks.ts')).sinks(context) }],
  footprint: [
    { measure: async (context) => (await import('./scenarios/launch.ts')).footprint(context) },
    { peer: 'debezium', measure: (context) => measureDebezium(context, true) },
  ],
  failover: [
    { measure: async (context) => (await import('./scenarios/failover.ts')).failover(context) },
    {
      peer: 'connect',
      measure: async (context) => (await import('./scenarios/failover.ts')).connectFailover(context),
    },
  ],
  rebalance: [{ measure: async (context) => (await import('./scenarios/rebalance.ts')).rebalance(context) }],
  converters: [
    { measure: async (context) => (await import('./scenarios/converters.ts')).converters(context) },
    {
      peer: 'connect',
      measure: async (context) => (await import('./scenarios/java-converters.ts')).javaConverters(context),
    },
  ],
  formats: [{ measure: async (context) => (await import('./scenarios/formats.ts')).formats(context) }],
  directories: [{ measure: async (context) => (await import('./scenarios/directories.ts')).directories(context) }],
  many: [{ measure: async (context) => (await import('./scenarios/many-connectors.ts')).manyConnectors(context) }],
}

async function measureDebezium(context: BenchContext, atRest: boolean): Promise<readonly Measurement[]> {
  return (await import('./scenarios/debezium-launch.ts')).debeziumLaunch(context, { atRest })
}

const usage = `npm run bench -- [SCENARIO …] [options]

Scenarios: ${Object.keys(scenarios).join(', ')}. All by default.

  --full          all rivals and the full conditions; writes the results to bench/results/
  --quick         50,000 rows, one measured run, 10 s: checks that it works, not for comparisons
  --rows N        rows of a backlog or a topic (default 1,000,000)
  --runs N        measured runs after one warm-up run (default 3)
  --seconds N     duration of a latency measurement (default 60)
  --peer NAME     connect or debezium (both need Java 17 and Maven) or benthos (needs Go); may be repeated
  --keep          write the results to bench/results/
  --program FILE  the program to measure, such as dist/bin/penstock.js
`

const options = {
  full: { type: 'boolean', default: false },
  quick: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  rows: { type: 'string' },
  runs: { type: 'string' },
  seconds: { type: 'string' },
  peer: { type: 'string', multiple: true, default: [] as string[] },
  program: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options })
  if (values.help) return void process.stdout.write(usage)
  const names = positionals.length === 0 ? Object.keys(scenarios) : positionals
  for (const name of names)
    if (!Object.hasOwn(scenarios, name)) throw new BenchError(`unknown scenario ${name}\n\n${usage}`)
  const conditions = {
    rows: count('rows', values.rows, values.quick ? 50_000 : 1_000_000),
    runs: count('runs', values.runs, values.quick ? 1 : 3),
    seconds: count('seconds', values.seconds, values.quick ? 10 : 60),
    peers: values.full ? new Set(peers) : peersOf(values.peer),
    worker: values.program === undefined ? {} : { program: resolve(values.program) },
  }
  const about = machine()
  print(
    `${about.cpu}, ${about.cores} cores, ${about.memoryGiB} GiB, load ${about.load.toFixed(1)}, Node ${about.node}, commit ${about.commit}, fdatasync p50 ${short(about.fdatasyncMs)} ms`,
  )
  print(
    `${conditions.rows.toLocaleString('en-US')} rows, ${conditions.runs} counted runs after one of warm-up, ${conditions.seconds} s of latency`,
  )
  const all: Measurement[] = []
  for (const name of names) {
    print(`\nmeasuring ${name} …`)
    const measurements = await runScenario(scenarios[name] ?? [], conditions)
    all.push(...measurements)
    print(renderReport(measurements))
    if (values.full || values.keep) print(`kept in ${keep(name, about, measurements)}`)
  }
  if (names.length > 1) print(`\n${renderReport(all)}`)
}

async function runScenario(
  parts: readonly Part[],
  conditions: Omit<BenchContext, 'servers'>,
): Promise<readonly Measurement[]> {
  const measurements: Measurement[] = []
  for (const { peer, measure } of parts) {
    if (peer !== undefined && !conditions.peers.has(peer)) continue
    const servers = Servers.open({ report: ({ kind, doing }) => print(`  ${kind}: ${doing}`) })
    try {
      measurements.push(...(await measure({ ...conditions, servers })))
    } finally {
      await servers.close()
    }
  }
  return measurements
}

function count(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new BenchError(`--${name} ${text}: a whole number above 0`)
  return value
}

function peersOf(names: readonly string[]): ReadonlySet<Peer> {
  return new Set(
    names.map((name) => {
      const peer = peers.find((known) => known === name)
      if (peer === undefined) throw new BenchError(`--peer ${name}: the rivals are ${peers.join(', ')}`)
      return peer
    }),
  )
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

// kafkajs sets timers with negative delays if a broker never throttled it. The warning is irrelevant here.
process.removeAllListeners('warning')
process.on('warning', (warning) => {
  if (warning.name !== 'TimeoutNegativeWarning') process.stderr.write(`${warning.name}: ${warning.message}\n`)
})

try {
  await main()
} catch (error) {
  process.stderr.write(
    `${error instanceof BenchError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  )
  process.exitCode = 1
}
