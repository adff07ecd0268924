import { strict as assert } from 'node:assert'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { SmallDisk } from './small-disk.ts'
import { until, untilPasses } from '../until.ts'
import { workerPlace, WorkerProcess } from '../worker/worker-process.ts'

const sources = ['left', 'right'] as const
/** Larger than what a segment may have left in its last block. */
const lineBytes = 5000
const linesPerStep = 20

interface TaskStatuses {
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[]
}

/**
 * A worker whose log lies on a disk that fills and empties again and again, with two sources that read files and a sink that
 * writes one. No one does anything but make room.
 */
export class FullDiskRounds {
  readonly #disk: SmallDisk
  readonly #home: string
  #worker: WorkerProcess | null = null
  #written = 0

  private constructor(disk: SmallDisk, home: string) {
    this.#disk = disk
    this.#home = home
  }

  /** Runs rounds while `goesOn` says so, and checks that every line has arrived once. Skips the test where nothing may be mounted. */
  static async run(context: TestContext, goesOn: (round: number) => boolean): Promise<number> {
    const disk = SmallDisk.mount('tmpfs', 96, context)
    const home = mkdtempSync(join(tmpdir(), 'penstock-rounds-'))
    const rounds = new FullDiskRounds(disk, home)
    try {
      await rounds.#start()
      let round = 0
      for (; goesOn(round); round += 1) await rounds.#round()
      await rounds.#expectAllOnce()
      return round
    } finally {
      await rounds.#worker?.stop()
      disk.unmount()
      rmSync(home, { recursive: true, force: true })
    }
  }

  get #live(): WorkerProcess {
    assert.ok(this.#worker !== null)
    return this.#worker
  }

  async #start(): Promise<void> {
    this.#worker = await WorkerProcess.start(await workerPlace(join(this.#disk.path, 'data')))
    const string = 'org.apache.kafka.connect.storage.StringConverter'
    const converters = { 'key.converter': string, 'value.converter': string }
    for (const name of sources) {
      const file = join(this.#home, name)
      appendFileSync(file, '')
      await this.#live.post(name, { 'connector.class': 'FileStreamSource', file, topic: name, ...converters })
    }
    const sink = { 'connector.class': 'FileStreamSink', file: this.#out, topics: sources.join(','), ...converters }
    await this.#live.post('out', sink)
    this.#write()
    await this.#arrived()
  }

  async #round(): Promise<void> {
    this.#write()
    this.#disk.fill()
    this.#write()
    await until('the sources say that the disk is full', async () => (await this.#traces()).every(isFull))
    await untilPasses(async () => {
      const health = (await this.#live.request('GET', '/health')) as { status: string; message: string }
      assert.equal(health.status, 'healthy')
      assert.match(health.message, /BROKER_DISK_FULL: the disk of .* is full/)
      const metrics = await (await fetch(`${this.#live.place.rest}/metrics`)).text()
      const alarms = metrics.split('\n').filter((line) => /_condition.*code="BROKER_DISK_FULL"/.test(line))
      for (const source of ['broker_condition', ...sources.map((name) => `connector="${name}"`)])
        assert.ok(alarms.join('\n').includes(source), `${source} in ${alarms.join('\n')}`)
    })
    this.#write()
    this.#disk.free()
    await this.#arrived()
    await until('nothing says so any more', async () => {
      const message = JSON.stringify(await this.#live.request('GET', '/health'))
      return !message.includes('BROKER') && !(await this.#traces()).some(isFull)
    })
    assert.deepEqual(await this.#live.failures(), [])
  }

  async #traces(): Promise<readonly string[]> {
    const statuses = await Promise.all(
      sources.map(async (name) => (await this.#live.request('GET', `/connectors/${name}/status`)) as TaskStatuses),
    )
    return statuses.map(({ tasks: [task] }) => task?.trace ?? '')
  }

  #write(): void {
    for (const name of sources) {
      const lines = Array.from({ length: linesPerStep }, (_, i) =>
        `${name} ${this.#written + i} `.padEnd(lineBytes, '.'),
      )
      appendFileSync(join(this.#home, name), `${lines.join('\n')}\n`)
    }
    this.#written += linesPerStep
  }

  get #out(): string {
    return join(this.#home, 'out')
  }

  #lines(): readonly string[] {
    if (!existsSync(this.#out)) return []
    const lines = readFileSync(this.#out, 'utf8').split('\n')
    return lines.flatMap((line) => /^(\w+ \d+) /.exec(line)?.[1] ?? [])
  }

  async #arrived(): Promise<void> {
    const expected = this.#written * sources.length
    await until(
      () => `${expected} lines arrived, there are ${this.#lines().length}: ${this.#live.output.slice(-2000)}`,
      () => this.#lines().length >= expected,
    )
  }

  async #expectAllOnce(): Promise<void> {
    await this.#arrived()
    const lines = this.#lines()
    for (const name of sources) {
      const own = lines.filter((line) => line.startsWith(`${name} `))
      assert.deepEqual(
        own,
        Array.from({ length: this.#written }, (_, i) => `${name} ${i}`),
      )
    }
  }
}

function isFull(trace: string): boolean {
  return trace.includes('BROKER_DISK_FULL: the disk of ')
}
