import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../src/foundation/clock.ts'
import { Cache, cacheDirectory } from '../../src/servers/cache.ts'
import { findBinary, lastLines, run } from '../../src/servers/process/command.ts'
import type { Servers } from '../../src/servers/servers.ts'
import type { WatchedProcess } from '../../src/servers/process/watchdog.ts'
import { treeUsage, type TreeUsage } from './process-tree.ts'
import { BenchError } from './bench-error.ts'

/** The last release whose module builds without others. */
const version = '4.11.0'

/** The output of Benthos; the input is always the topic. */
export type BenthosOutput = Readonly<Record<string, unknown>>

/** A Benthos pipeline from a Kafka topic: a rival of the sinks without a JVM. */
export class BenthosPeer {
  readonly group: string
  readonly #process: WatchedProcess
  readonly #log: string
  #end: string | null = null

  private constructor(running: WatchedProcess, group: string, log: string) {
    this.#process = running
    this.#log = log
    this.group = group
    void running.exited.then((how) => (this.#end = how))
  }

  /** Builds it with Go once, before launches are timed. */
  static async fetch(): Promise<void> {
    await binary()
  }

  static async launch(
    servers: Servers,
    source: { readonly broker: string; readonly topic: string; readonly group: string },
    output: BenthosOutput,
  ): Promise<BenthosPeer> {
    const directory = join(servers.directory, source.group)
    mkdirSync(directory)
    const config = {
      http: { enabled: false },
      input: {
        kafka_franz: {
          seed_brokers: [source.broker],
          topics: [source.topic],
          consumer_group: source.group,
          checkpoint_limit: 1_000_000,
          commit_period: '100ms',
        },
      },
      output,
      logger: { level: 'WARN' },
      metrics: { none: {} },
    }
    // JSON is YAML.
    writeFileSync(join(directory, 'config.yaml'), JSON.stringify(config))
    const log = join(directory, 'benthos.log')
    const running = await servers.run({
      command: await binary(),
      args: ['-c', 'config.yaml'],
      cwd: directory,
      env: { PATH: process.env['PATH'] ?? '', HOME: directory },
      account: null,
      logFile: log,
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 20_000,
    })
    return new BenthosPeer(running, source.group, log)
  }

  /** Throws if the process has ended. */
  async checkRunning(): Promise<void> {
    if (this.#end === null) return
    const log = lastLines(readFileSync(this.#log, 'utf8'))
    throw new BenchError(`Benthos ended with ${this.#end}. The end of its log:\n${log}`)
  }

  usage(): TreeUsage {
    return treeUsage(this.#process.pid)
  }

  async stop(): Promise<void> {
    await this.#process.stop()
  }
}

const program = `package main

import (
	"context"

	"github.com/benthosdev/benthos/v4/public/service"

	_ "github.com/benthosdev/benthos/v4/public/components/aws"
	_ "github.com/benthosdev/benthos/v4/public/components/elasticsearch"
	_ "github.com/benthosdev/benthos/v4/public/components/io"
	_ "github.com/benthosdev/benthos/v4/public/components/kafka"
	_ "github.com/benthosdev/benthos/v4/public/components/pure"
)

func main() { service.RunCLI(context.Background()) }
`

async function binary(): Promise<string> {
  const cache = new Cache(cacheDirectory(), systemClock)
  const directory = await cache.get(`benthos-${version}`, AbortSignal.timeout(900_000), async (staging) => {
    const go = findBinary('go')
    if (go === null) throw new BenchError('Benthos is built with Go: there is no go on PATH')
    const source = join(staging, 'source')
    mkdirSync(source)
    writeFileSync(join(source, 'main.go'), program)
    const module = `module bench\n\ngo 1.21\n\nrequire github.com/benthosdev/benthos/v4 v${version}\n`
    writeFileSync(join(source, 'go.mod'), module)
    const flags = ['-mod=mod', '-p', '1', '-o', join(staging, 'benthos')]
    await run(go, ['build', ...flags, '.'], { cwd: source, env: { CGO_ENABLED: '0' } })
    rmSync(source, { recursive: true })
  })
  return join(directory, 'benthos')
}
