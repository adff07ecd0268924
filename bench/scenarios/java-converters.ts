import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { plugin as json } from '../../plugins/converters/json-converter.ts'
import { parseConfig } from '../../src/config/definition/parse-config.ts'
import { systemClock } from '../../src/foundation/clock.ts'
import { Cache, cacheDirectory } from '../../src/servers/cache.ts'
import { run } from '../../src/servers/process/command.ts'
import { BenchError } from '../parts/bench-error.ts'
import type { BenchContext } from '../parts/context.ts'
import { apicurioConverters, apicurioConvertersName, fetchJars } from '../parts/maven-jars.ts'
import type { Measurement } from '../parts/results.ts'
import { changes, envelope } from '../parts/row-change.ts'
import { recordsOf, unit } from './converters.ts'

const program = fileURLToPath(new URL('../parts/ConverterBench.java', import.meta.url))

/** The same changes through the converters of Java, in a process of their own. Needs Java 17 and Maven. */
export async function javaConverters({ rows, runs }: BenchContext): Promise<readonly Measurement[]> {
  const cache = new Cache(cacheDirectory(), systemClock)
  const context = { cache, signal: AbortSignal.timeout(600_000), report: () => undefined }
  const jars = await fetchJars(context, apicurioConvertersName, apicurioConverters)
  const directory = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
  try {
    const messages = join(directory, 'messages.jsonl')
    writeFileSync(messages, messagesWithSchemas().join('\n'))
    const count = recordsOf(rows)
    const args = ['-Xmx1g', '-Dfile.encoding=UTF-8', '-Dstdout.encoding=UTF-8', '-cp', `${jars}/*`, program]
    const output = await run('java', [...args, messages, String(count), String(runs)])
    return output.trim().split('\n').map(measurementOf(count))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function messagesWithSchemas(): readonly string[] {
  const converter = json.create(parseConfig(json.configDef, {}), {}, false)
  return changes.map((change) => Buffer.from(converter.fromConnect('orders', envelope, change) ?? []).toString())
}

const measurementOf =
  (records: number) =>
  (line: string): Measurement => {
    const [what = '', ...rates] = line.split('\t')
    const samples = rates.map(Number)
    if (samples.length === 0 || samples.some(Number.isNaN)) throw new BenchError(`ConverterBench wrote '${line}'`)
    const who = what.includes('Avro') ? "Java, Confluent's AvroData" : 'Java, Kafka Connect 3.9.1'
    return { what, who, unit, samples, conditions: { records, columns: 12 } }
  }
