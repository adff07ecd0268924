import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { systemClock } from '../../../src/foundation/clock.ts'
import { Cache, cacheDirectory } from '../../../src/servers/cache.ts'
import { fetchKafka } from '../../../src/servers/kafka.ts'
import { until } from '../until.ts'
import { runProgram, type Program } from '../worker/program.ts'

/** Its consumer logs each assignment and revocation at level info. */
const logging = `log4j.rootLogger=WARN, err
log4j.logger.org.apache.kafka.clients.consumer=INFO
log4j.appender.err=org.apache.log4j.ConsoleAppender
log4j.appender.err.target=System.err
log4j.appender.err.layout=org.apache.log4j.PatternLayout
log4j.appender.err.layout.ConversionPattern=%m%n
`

/** The program of Kafka's `kafka-console-consumer.sh`, in a group. Needs Java 17. */
export class JavaConsumer {
  readonly #program: Program
  readonly #directory: string
  /** It writes lines in pieces, and the pieces of both streams between each other. */
  #printed = ''
  #logged = ''

  private constructor(program: Program, directory: string) {
    this.#program = program
    this.#directory = directory
    program.child.stdout?.on('data', (text: string) => (this.#printed += text))
    program.child.stderr?.on('data', (text: string) => (this.#logged += text))
  }

  /** @param properties settings of its consumer, as `--consumer-property` sets them. */
  static async start(options: {
    readonly bootstrapServers: string
    readonly topic: string
    readonly groupId: string
    readonly properties?: Readonly<Record<string, string>>
  }): Promise<JavaConsumer> {
    const cache = new Cache(cacheDirectory(), systemClock)
    const jars = await fetchKafka({ cache, signal: AbortSignal.timeout(600_000), report: () => undefined })
    const directory = mkdtempSync(join(tmpdir(), 'penstock-java-consumer-'))
    const log4j = join(directory, 'log4j.properties')
    writeFileSync(log4j, logging)
    const properties = { 'heartbeat.interval.ms': '200', 'metadata.max.age.ms': '500', ...options.properties }
    const jvm = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', `${jars}/*`, `-Dlog4j.configuration=file:${log4j}`]
    const settings = Object.entries(properties).flatMap(([key, value]) => ['--consumer-property', `${key}=${value}`])
    const printed = ['partition', 'offset'].flatMap((what) => ['--property', `print.${what}=true`])
    const { bootstrapServers, topic, groupId } = options
    const place = ['--bootstrap-server', bootstrapServers, '--topic', topic, '--group', groupId, '--from-beginning']
    const main = 'org.apache.kafka.tools.consumer.ConsoleConsumer'
    const program = runProgram('java', [...jvm, main, ...place, ...printed, ...settings], directory)
    return new JavaConsumer(program, directory)
  }

  /** The values that it has printed, in order. */
  get values(): string[] {
    return [...this.#printed.matchAll(/^Partition:\d+\tOffset:\d+\t(.*)\n/gm)].map(([, value = '']) => value)
  }

  /** `+t-0` is a partition that it was assigned, `-t-0` one that it has revoked, `!t-0` one that it has lost; in order. */
  get events(): string[] {
    const signs: Readonly<Record<string, string>> = { Adding: '+', Revoke: '-', Lost: '!' }
    const lines = this.#logged.matchAll(/(Adding|Revoke|Lost) (?:newly|previously) assigned partitions:? (\S.*)\n/g)
    return [...lines].flatMap(([, word = '', names = '']) => names.split(', ').map((name) => `${signs[word]}${name}`))
  }

  /** The partitions that it has now. */
  get assignment(): string[] {
    const held = new Set<string>()
    for (const event of this.events) {
      if (event.startsWith('+')) held.add(event.slice(1))
      else held.delete(event.slice(1))
    }
    return [...held].sort()
  }

  async untilHas(count: number): Promise<void> {
    await until(
      () => `${count} partitions of Java's consumer, which wrote:\n${this.#program.output()}`,
      () => this.assignment.length === count,
    )
  }

  /** Leaves the group and ends. */
  async stop(): Promise<void> {
    this.#program.child.kill('SIGTERM')
    await this.#program.ended
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** Ends without leaving the group. */
  async kill(): Promise<void> {
    this.#program.child.kill('SIGKILL')
    await this.#program.ended
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
