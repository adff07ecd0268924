import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { fetchDebezium } from '../../bench/parts/debezium.ts'
import { apicurioConverters, apicurioConvertersName, fetchJars, type Artifact } from '../../bench/parts/maven-jars.ts'
import { systemClock } from '../../src/foundation/clock.ts'
import { Cache, cacheDirectory } from '../../src/servers/cache.ts'
import { fetchKafka } from '../../src/servers/kafka.ts'
import { run } from '../../src/servers/process/command.ts'
import type { FetchContext } from '../../src/servers/process/server.ts'

const transforms = fileURLToPath(new URL('TransformOracle.java', import.meta.url))
const locale = [
  '-Duser.language=en',
  '-Duser.country=US',
  '-Duser.timezone=UTC',
  '-Dpolyglot.engine.WarnInterpreterOnly=false',
]

/** Versions of Kafka Connect, Debezium 3.2.3 on 3.9.1, Avro 1.12.0, Apicurio's converters 2.6.13, and Joda 2.12.7. */
export type Version = '3.9.1' | '4.4.0' | 'debezium' | 'avro' | 'apicurio' | 'joda'

/** Gives each input to plugins of a version, and returns what they make of it. Needs Java 17. */
export async function runOracle(
  version: Version,
  inputs: readonly unknown[],
  program = transforms,
): Promise<unknown[]> {
  const context = {
    cache: new Cache(cacheDirectory(), systemClock),
    signal: AbortSignal.timeout(600_000),
    report: () => undefined,
  }
  const jars = await jarsOf(context, version)
  const directory = mkdtempSync(join(tmpdir(), 'penstock-oracle-'))
  try {
    const [asked, said] = [join(directory, 'in.jsonl'), join(directory, 'out.jsonl')]
    writeFileSync(asked, inputs.map((input) => `${JSON.stringify(input)}\n`).join(''))
    await run('java', [...locale, '-cp', jars, program, asked, said])
    return readFileSync(said, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function jarsOf(context: FetchContext, version: Version): Promise<string> {
  if (version === '4.4.0')
    return `${await fetchJars(context, `connect-transforms-${version}`, transformsOf(version))}/*`
  if (version === 'avro') return `${await fetchJars(context, 'avro-1.12.0', [['org.apache.avro', 'avro', '1.12.0']])}/*`
  if (version === 'apicurio') return `${await fetchJars(context, apicurioConvertersName, apicurioConverters)}/*`
  if (version === 'joda') return `${await fetchJars(context, 'joda-2.12.7', [['joda-time', 'joda-time', '2.12.7']])}/*`
  const kafka = `${await fetchKafka(context)}/*`
  if (version === '3.9.1') return kafka
  const scripting = await fetchJars(context, 'debezium-scripting-3.2.2', scriptingJars)
  return `${kafka}:${await fetchDebezium()}/debezium-connector-postgres/*:${scripting}/*`
}

const transformsOf = (version: Version): readonly Artifact[] => [
  ['org.apache.kafka', 'connect-transforms', version],
  ['org.apache.kafka', 'connect-json', version],
  ['org.slf4j', 'slf4j-nop', '1.7.36'],
]

// Maven has no debezium-scripting 3.2.3; that of 3.2.2 has the same source. The languages are those that it names.
const scriptingJars: readonly Artifact[] = [
  ['io.debezium', 'debezium-scripting', '3.2.2.Final'],
  ['org.apache.groovy', 'groovy-jsr223', '4.0.17'],
  ['org.graalvm.js', 'js', '23.0.2'],
  ['org.graalvm.js', 'js-scriptengine', '23.0.2'],
]
