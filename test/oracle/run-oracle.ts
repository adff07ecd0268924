import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { systemClock } from '../../src/foundation/clock.ts'
import { Cache, cacheDirectory } from '../../src/servers/cache.ts'
import { fetchKafka } from '../../src/servers/kafka.ts'
import { run } from '../../src/servers/process/command.ts'

const program = fileURLToPath(new URL('TransformOracle.java', import.meta.url))
const locale = ['-Duser.language=en', '-Duser.country=US', '-Duser.timezone=UTC']

/** Gives each input to the transforms of Kafka Connect 3.9.1, and returns what they make of it. Needs Java 17. */
export async function runOracle(inputs: readonly unknown[]): Promise<unknown[]> {
  const context = {
    cache: new Cache(cacheDirectory(), systemClock),
    signal: AbortSignal.timeout(600_000),
    report: () => undefined,
  }
  const jars = await fetchKafka(context)
  const directory = mkdtempSync(join(tmpdir(), 'penstock-oracle-'))
  try {
    const [asked, said] = [join(directory, 'in.jsonl'), join(directory, 'out.jsonl')]
    writeFileSync(asked, inputs.map((input) => `${JSON.stringify(input)}\n`).join(''))
    await run('java', [...locale, '-cp', `${jars}/*`, program, asked, said])
    return readFileSync(said, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
