import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Servers } from '../src/servers/servers.ts'
import type { BenchContext } from './parts/context.ts'
import { keep, machine, type Measurement } from './parts/results.ts'
import { short, summarize } from './parts/stats.ts'
import { BenchError } from './parts/worker.ts'

const scenarios: Readonly<Record<string, (context: BenchContext) => Promise<readonly Measurement[]>>> = {
  source: async (context) => (await import('./scenarios/source-backlog.ts')).sourceBacklog(context),
  latency: async (context) => (await import('./scenarios/latency.ts')).latency(context),
  launch: async (context) => (await import('./scenarios/launch.ts')).launch(context),
  sinks: async (context) => (await import('./scenarios/sinks.ts')).sinks(context),
  footprint: async (context) => (await import('./scenarios/launch.ts')).footprint(context),
}

const usage = `npm run bench -- [SCENARIO …] [--rows N] [--runs N] [--seconds N] [--peer debezium] [--program FILE]

Scenarios: ${Object.keys(scenarios).join(', ')}; all without one. Results with every raw sample go to bench/results/.
`

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rows: { type: 'string', default: '1000000' },
      runs: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '60' },
      peer: { type: 'string' },
      program: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return void process.stdout.write(usage)
  if (values.peer !== undefined && values.peer !== 'debezium')
    throw new BenchError(`--peer ${values.peer}: the peer that can be had is debezium`)
  const names = positionals.length === 0 ? Object.keys(scenarios) : positionals
  const about = machine()
  print(
    `${about.cpu}, ${about.cores} cores, ${about.memoryGiB} GiB, Node ${about.node}, commit ${about.commit}, fdatasync p50 ${short(about.fdatasyncMs)} ms`,
  )
  const servers = Servers.open({ report: ({ kind, doing }) => print(`${kind}: ${doing}`) })
  try {
    const context: BenchContext = {
      servers,
      rows: Number(values.rows),
      runs: Number(values.runs),
      seconds: Number(values.seconds),
      peer: values.peer === 'debezium' ? 'debezium' : null,
      worker: values.program === undefined ? {} : { program: resolve(values.program) },
    }
    for (const name of names) await runScenario(name, context, about)
  } finally {
    await servers.close()
  }
}

async function runScenario(name: string, context: BenchContext, about: ReturnType<typeof machine>): Promise<void> {
  const scenario = Object.hasOwn(scenarios, name) ? scenarios[name] : undefined
  if (scenario === undefined) throw new BenchError(`no scenario is called ${name}\n\n${usage}`)
  print(`\n${name}`)
  const measurements = await scenario(context)
  for (const { what, who, unit, samples } of measurements) {
    const { p50, p99, min, max, count } = summarize(samples)
    const spread = count > 20 ? `p50 ${short(p50)}, p99 ${short(p99)}` : `${short(p50)} (${short(min)}–${short(max)})`
    print(`  ${what.padEnd(38)} ${who.padEnd(34)} ${spread} ${unit}`)
  }
  print(`  kept in ${keep(name, about, measurements)}`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

try {
  await main()
} catch (error) {
  process.stderr.write(
    `${error instanceof BenchError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  )
  process.exitCode = 1
}
