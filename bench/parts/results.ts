import { execFileSync } from 'node:child_process'
import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { manySamples, summarize, type Summary } from './stats.ts'

/** One measurement: its name, its subject, and every sample. */
export interface Measurement {
  readonly what: string
  readonly who: string
  readonly unit: string
  readonly samples: readonly number[]
  /** What it was measured under. */
  readonly conditions: Readonly<Record<string, string | number | boolean>>
}

/** Where and on what a run was made. */
export interface Machine {
  readonly commit: string
  readonly node: string
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly kernel: string
  /** What others had the machine do in the minute before. */
  readonly load: number
  /** Median time of one 4 KiB write and fdatasync in the directory for temporary files. */
  readonly fdatasyncMs: number
}

/** Looks at the machine; measures its fdatasync. */
export function machine(): Machine {
  const [cpu] = cpus()
  return {
    commit: commit(),
    node: process.version,
    cpu: cpu?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    load: loadavg()[0] ?? 0,
    fdatasyncMs: summarize(syncTimes()).p50,
  }
}

function commit(): string {
  const git = (...args: readonly string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim()
  const dirty = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+changes'
  return git('rev-parse', '--short', 'HEAD') + dirty
}

function syncTimes(): readonly number[] {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-sync-'))
  const file = openSync(join(directory, 'probe'), 'w')
  const block = Buffer.alloc(4096)
  const times: number[] = []
  for (let i = 0; i < 200; i++) {
    const began = performance.now()
    writeSync(file, block)
    fdatasyncSync(file)
    times.push(performance.now() - began)
  }
  closeSync(file)
  rmSync(directory, { recursive: true })
  return times
}

/** A measurement as its file holds it: few samples as they are, many by their percentiles. */
export type StoredMeasurement = Omit<Measurement, 'samples'> &
  ({ readonly samples: readonly number[] } | { readonly summary: Summary })

/** The stored form of a measurement: a minute of latencies is a megabyte of samples, and six numbers say what they show. */
export function stored({ samples, ...about }: Measurement): StoredMeasurement {
  return samples.length < manySamples ? { ...about, samples } : { ...about, summary: summarize(samples) }
}

/** Writes the results of a run, one measurement a line, and returns the path of the file. */
export function keep(scenario: string, about: Machine, measurements: readonly Measurement[]): string {
  const directory = fileURLToPath(new URL('../results/', import.meta.url))
  mkdirSync(directory, { recursive: true })
  const stamp = new Date().toISOString().replace(/[:.]/g, '-')
  const file = join(directory, `${scenario}-${stamp}.json`)
  const heads = { scenario, at: new Date().toISOString(), machine: about }
  const lines = measurements.map((measurement) => `  ${JSON.stringify(stored(measurement), brief)}`)
  writeFileSync(
    file,
    `${JSON.stringify(heads, null, 1).slice(0, -2)},\n "measurements": [\n${lines.join(',\n')}\n ]\n}\n`,
  )
  return file
}

/** More digits than a clock has would only take room. */
function brief(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(7)) : value
}
