import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import { BenchError } from '../parts/bench-error.ts'
import type { BenchContext } from '../parts/context.ts'
import type { Measurement } from '../parts/results.ts'
import { BenchWorker } from '../parts/worker.ts'

const pairs = 100
const tasksPerSink = 9
const tasks = pairs * (1 + tasksPerSink)
const requests = 200
const startMs = 600_000

/**
 * Measures one worker with 200 connectors and 1,000 tasks: file sources of one task and file sinks of nine. Memory and CPU
 * without connectors and with them at rest, the time until all tasks run, and responses of the REST API while records flow.
 */
export async function manyConnectors(context: BenchContext): Promise<readonly Measurement[]> {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-bench-many-'))
  const worker = await BenchWorker.launch({ ...context.worker, settings: { 'plugin.path': 'connect-file' } })
  try {
    await delay(15_000)
    const idleMb = worker.usage().rssBytes / 1e6
    const began = performance.now()
    for (let i = 0; i < pairs; i++) {
      writeFileSync(join(directory, `in-${i}`), 'first\n')
      await worker.create(`source-${i}`, source(directory, i))
      await worker.create(`sink-${i}`, sink(directory, i))
    }
    const createdMs = performance.now() - began
    await allRunning(worker)
    const runningMs = performance.now() - began
    await delay(30_000)
    const before = worker.usage()
    await delay(20_000)
    const after = worker.usage()
    const times = await responseTimes(worker, directory)
    const conditions = { connectors: 2 * pairs, tasks }
    const of = (what: string, unit: string, ...samples: number[]): Measurement => ({
      what,
      who: 'penstock',
      unit,
      samples,
      conditions,
    })
    return [
      { ...of('RSS without connectors', 'MB', idleMb), conditions: { connectors: 0, tasks: 0 } },
      of('RSS with 200 connectors at rest', 'MB', after.rssBytes / 1e6),
      of('RSS a connector', 'MB', (after.rssBytes / 1e6 - idleMb) / (2 * pairs)),
      of('CPU with 200 connectors at rest', '% of a core', ((after.cpuSeconds - before.cpuSeconds) / 20) * 100),
      of('200 connectors created', 'ms', createdMs),
      of('1,000 tasks running', 'ms', runningMs),
      of('GET /connectors with status and info', 'ms', ...times),
    ]
  } finally {
    await worker.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

function source(directory: string, i: number): Record<string, string> {
  return { 'connector.class': 'FileStreamSource', file: join(directory, `in-${i}`), topic: `many-${i}` }
}

function sink(directory: string, i: number): Record<string, string> {
  return {
    'connector.class': 'FileStreamSink',
    'tasks.max': String(tasksPerSink),
    topics: `many-${i}`,
    file: join(directory, `out-${i}`),
  }
}

interface Status {
  readonly status: { readonly tasks: readonly { readonly state: string; readonly trace?: string }[] }
}

async function expanded(worker: BenchWorker): Promise<Readonly<Record<string, Status>>> {
  const answer = await fetch(`${worker.rest}/connectors?expand=status&expand=info`)
  return (await answer.json()) as Record<string, Status>
}

async function allRunning(worker: BenchWorker): Promise<void> {
  const deadline = performance.now() + startMs
  for (;;) {
    const states = Object.values(await expanded(worker)).flatMap(({ status }) => status.tasks)
    const failed = states.find(({ state }) => state === 'FAILED')
    if (failed !== undefined) throw new BenchError(`a task failed: ${failed.trace ?? ''}`)
    const running = states.filter(({ state }) => state === 'RUNNING').length
    if (running === tasks) return
    if (performance.now() > deadline) throw new BenchError(`${running} of ${tasks} tasks run after ten minutes`)
    await delay(250)
  }
}

/** While ten of the sources read 1,000 lines before each request. */
async function responseTimes(worker: BenchWorker, directory: string): Promise<readonly number[]> {
  const lines = 'a line of a file, as long as most of them are\n'.repeat(1000)
  const times: number[] = []
  for (let i = 0; i < requests; i++) {
    appendFileSync(join(directory, `in-${i % 10}`), lines)
    const began = performance.now()
    await expanded(worker)
    times.push(performance.now() - began)
    await delay(50)
  }
  return times
}
