import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from 'penstock/api'
import { HostileClient } from './hostile-client.ts'
import { HostileRest } from './hostile-rest.ts'
import { seededRandom } from '../seeded-random.ts'
import { patienceMs, until } from '../until.ts'
import { workerPlace, WorkerProcess } from '../worker/worker-process.ts'

/** What became of a worker and its pipelines while a hostile client ran. */
export interface HostileReport {
  /** By attack how often it ran. */
  readonly attacks: Readonly<Record<string, number>>
  readonly records: number
  /** Pipelines that lost, repeated or reordered records, or stood still for `patienceMs`. */
  readonly wrong: readonly string[]
  /** Tasks and connectors that failed, and what REST did not expect. */
  readonly faults: readonly string[]
  /** Lines of level error, and what Node prints of an error that no one handles. */
  readonly errors: readonly string[]
  /** The worker's own exit, null: it lived until it was told to stop. */
  readonly died: string | null
  /** The most memory that the worker ever had. */
  readonly peakMb: number
  /** The longest that a pipeline with something to do stood still, and that REST took to respond. */
  readonly standstillMs: number
  readonly slowestRestMs: number
  /** How often a look found a connector or task UNASSIGNED: the worker's heartbeats were late. */
  readonly unassigned: number
  readonly logMb: number
  /** Descriptors and sockets before the client came and after it left. */
  readonly descriptors: readonly [number, number]
}

/** How many attacks run at the same time. */
const lanes = 5
const linesPerStep = 5
const stepMs = 100
const string = 'org.apache.kafka.connect.storage.StringConverter'
const json = 'org.apache.kafka.connect.json.JsonConverter'
/** Three pairs of a source and a sink: as text, as JSON with its schema, and compressed. */
const pairs: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  text: { 'value.converter': string },
  json: { 'value.converter': json },
  zipped: { 'value.converter': string, 'producer.override.compression.type': 'gzip' },
}

/** One pair: lines go into a file, and have to come out of the other. */
class Pair {
  readonly name: string
  readonly #home: string
  #written = 0
  #bytes = 0
  #arrived = 0
  #movedAt = systemClock.monotonic()
  longestMs = 0

  constructor(home: string, name: string) {
    this.name = name
    this.#home = home
    appendFileSync(this.#in, '')
  }

  get #in(): string {
    return join(this.#home, `${this.name}.in`)
  }

  get #out(): string {
    return join(this.#home, `${this.name}.out`)
  }

  get written(): number {
    return this.#written
  }

  get isThrough(): boolean {
    return this.#arrived === this.#bytes
  }

  async post(worker: WorkerProcess, config: Readonly<Record<string, string>>): Promise<void> {
    const { 'producer.override.compression.type': compression, ...converters } = config
    const override = compression === undefined ? {} : { 'producer.override.compression.type': compression }
    const topic = `pair-${this.name}`
    const common = { 'key.converter': string, ...converters }
    const from = { 'connector.class': 'FileStreamSource', file: this.#in, topic, ...common, ...override }
    await worker.post(`${this.name}-source`, from)
    await worker.post(`${this.name}-sink`, {
      'connector.class': 'FileStreamSink',
      file: this.#out,
      topics: topic,
      ...common,
    })
  }

  write(): void {
    const lines = Array.from({ length: linesPerStep }, (_, i) => `${this.#line(this.#written + i)}\n`).join('')
    appendFileSync(this.#in, lines)
    this.#written += linesPerStep
    this.#bytes += lines.length
  }

  /** Looks how far it is; a pair stands still while it has something to do and nothing arrives. */
  look(): void {
    const now = systemClock.monotonic()
    const arrived = existsSync(this.#out) ? statSync(this.#out).size : 0
    this.longestMs = Math.max(this.longestMs, now - this.#movedAt)
    if (arrived !== this.#arrived || arrived === this.#bytes) this.#movedAt = now
    this.#arrived = arrived
  }

  /** What is wrong with what has arrived; null: it is what was written. */
  difference(): string | null {
    const lines = readFileSync(this.#out, 'utf8').split('\n')
    const at = lines.findIndex((line, i) => line !== (i < this.#written ? this.#line(i) : ''))
    if (at < 0 && lines.length === this.#written + 1) return null
    return `${this.name}: ${this.#written} lines were written, ${lines.length - 1} arrived, line ${at} is ${lines[at]}`
  }

  #line(index: number): string {
    return `${this.name} ${index} `.padEnd(200, '.')
  }
}

/** Runs a hostile client against a worker with its embedded broker for `ms`, while records flow through it. */
export async function runHostile(seed: number, ms: number): Promise<HostileReport> {
  const home = mkdtempSync(join(tmpdir(), 'penstock-hostile-'))
  const worker = await WorkerProcess.start(await workerPlace(join(home, 'data')))
  try {
    return await new HostileRun(worker, home, seed).report(ms)
  } finally {
    await worker.stop()
    rmSync(home, { recursive: true, force: true })
  }
}

class HostileRun {
  readonly #worker: WorkerProcess
  readonly #pairs: readonly Pair[]
  readonly #random: () => number
  readonly #client: HostileClient
  readonly #rest: HostileRest
  readonly #counts = new Map<string, number>()
  readonly #faults = new Set<string>()
  #isOver = false
  #slowestRestMs = 0
  #unassigned = 0

  constructor(worker: WorkerProcess, home: string, seed: number) {
    this.#worker = worker
    this.#pairs = Object.keys(pairs).map((name) => new Pair(home, name))
    this.#random = seededRandom(seed)
    this.#client = new HostileClient(worker.place.broker, this.#random)
    this.#rest = new HostileRest(worker.place.rest, this.#random)
  }

  async report(ms: number): Promise<HostileReport> {
    for (const pair of this.#pairs) await pair.post(this.#worker, pairs[pair.name] ?? {})
    await this.#flow(1000)
    await this.#drained()
    const before = this.#descriptors()
    await this.#client.prepare()
    const end = systemClock.monotonic() + ms
    const isOn = (): boolean => !this.#isOver && systemClock.monotonic() < end
    const attackers = [
      ...Array.from({ length: lanes }, () => this.#attack(isOn, this.#client.attacks)),
      this.#attack(isOn, this.#rest.attacks),
    ]
    const look = this.#lookAtRest()
    await this.#flow(ms)
    this.#isOver = true
    this.#client.stop()
    this.#rest.stop()
    await Promise.all(attackers)
    await look
    const died = this.#death()
    if (died === null) await this.#settle(before)
    const wrong = this.#pairs.flatMap((pair) => this.#wrong(pair))
    const { output } = this.#worker
    return {
      attacks: Object.fromEntries([...this.#counts].toSorted(([a], [b]) => a.localeCompare(b))),
      records: this.#pairs.reduce((sum, { written }) => sum + written, 0),
      wrong,
      faults: [...this.#faults, ...this.#rest.faults],
      errors: output
        .split('\n')
        .filter((line) => /"level":"(error|fatal)"|\bERROR\b|\bFATAL\b|Unhandled|Uncaught|Warning:/.test(line))
        // The client fills it, and an operator has to know.
        .filter((line) => !line.includes('GROUP_MEMORY_FULL: ')),
      died,
      peakMb: died === null ? this.#peakMb() : 0,
      standstillMs: Math.round(Math.max(...this.#pairs.map(({ longestMs }) => longestMs))),
      unassigned: this.#unassigned,
      slowestRestMs: Math.round(this.#slowestRestMs),
      logMb: Math.round(output.length / 10_000) / 100,
      descriptors: [before, died === null ? this.#descriptors() : 0],
    }
  }

  /** Writes lines for `ms`; ends early when a pair is stuck or the worker is dead. */
  async #flow(ms: number): Promise<void> {
    const end = systemClock.monotonic() + ms
    while (systemClock.monotonic() < end && !this.#worker.ended) {
      for (const pair of this.#pairs) pair.write()
      await systemClock.sleep(stepMs)
      for (const pair of this.#pairs) pair.look()
      if (this.#pairs.some(({ longestMs }) => longestMs > patienceMs)) return
    }
  }

  async #drained(): Promise<void> {
    await until('every line has arrived', () => {
      for (const pair of this.#pairs) pair.look()
      return this.#pairs.every(({ isThrough }) => isThrough)
    })
  }

  async #attack(isOn: () => boolean, attacks: Readonly<Record<string, () => Promise<void>>>): Promise<void> {
    const names = Object.keys(attacks)
    while (isOn()) {
      const name = names[Math.floor(this.#random() * names.length)] as string
      this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
      await attacks[name]?.()
    }
  }

  /** Asks for the status all the while, as an operator's monitoring does. */
  async #lookAtRest(): Promise<void> {
    while (!this.#isOver) {
      const since = systemClock.monotonic()
      try {
        const answer = await fetch(`${this.#worker.place.rest}/connectors?expand=status`, {
          signal: AbortSignal.timeout(patienceMs),
        })
        this.#judge((await answer.json()) as Readonly<Record<string, { readonly status: Status }>>)
      } catch (error) {
        this.#faults.add(`REST does not respond: ${String(error)}`)
      }
      this.#slowestRestMs = Math.max(this.#slowestRestMs, systemClock.monotonic() - since)
      await systemClock.sleep(1000)
    }
  }

  #judge(all: Readonly<Record<string, { readonly status: Status }>>): void {
    for (const pair of this.#pairs)
      for (const name of [`${pair.name}-source`, `${pair.name}-sink`]) {
        const status = all[name]?.status
        const [task] = status?.tasks ?? []
        const states = `${status?.connector.state} ${task?.state}`
        if (states.includes('UNASSIGNED')) this.#unassigned += 1
        else if (states !== 'RUNNING RUNNING') this.#faults.add(`${name} is ${states}: ${task?.trace ?? ''}`)
      }
  }

  /** The client leaves: everything arrives, its descriptors come back, and its topics go. */
  async #settle(before: number): Promise<void> {
    await this.#drained().catch(() => undefined) // The comparison says what is missing.
    await until('everything is RUNNING again', async () => {
      const all = await this.#worker.request('GET', '/connectors?expand=status')
      const text = JSON.stringify(all)
      return !text.includes('UNASSIGNED') && !text.includes('FAILED')
    }).catch((error: unknown) => this.#faults.add(String(error)))
    this.#rest.leave()
    await this.#client.leave()
    await until(
      () => `the descriptors come back: ${before} before, ${this.#descriptors()} now`,
      () => this.#descriptors() <= before + spareDescriptors,
    ).catch(() => undefined) // The report says how many there are.
  }

  #wrong(pair: Pair): readonly string[] {
    const stuck = pair.longestMs > patienceMs ? [`${pair.name} stood still for ${Math.round(pair.longestMs)} ms`] : []
    const difference = pair.difference()
    return difference === null ? stuck : [...stuck, difference]
  }

  #death(): string | null {
    return this.#worker.ended ? `${this.#worker.exitCode}: ${this.#worker.output.slice(-3000)}` : null
  }

  #descriptors(): number {
    const directory = `/proc/${this.#worker.pid}/fd`
    return readdirSync(directory).filter((name) => isHeld(join(directory, name))).length
  }

  #peakMb(): number {
    const status = readFileSync(`/proc/${this.#worker.pid}/status`, 'utf8')
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) / 1024)
  }
}

/** Connections of the worker itself come and go. */
export const spareDescriptors = 12

interface Status {
  readonly connector: { readonly state: string }
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[]
}

function isHeld(path: string): boolean {
  try {
    return readlinkSync(path) !== ''
  } catch {
    return false // It was closed in between.
  }
}
