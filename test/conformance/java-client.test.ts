import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { systemClock } from '../../src/foundation/clock.ts'
import { Cache, cacheDirectory } from '../../src/servers/cache.ts'
import { copyJars } from '../../src/servers/java.ts'
import { run } from '../../src/servers/process/command.ts'
import { maskedJson } from '../support/rest/compared-responses.ts'
import { BothWorkers } from '../support/worker/both-workers.ts'

const version = '4.0.5'
const program = fileURLToPath(new URL('ClientCalls.java', import.meta.url))

/** Calls whose results differ on purpose, by the beginnings of their lines. */
const known: Readonly<Record<string, string>> = {
  getConnectorPlugins: 'other plugins are installed',
  'validateConnectorPluginConfig {"config":{"connector.class":"Nope"':
    'the message describes the plugins, and no Java classes',
}

/** The jars of the client, downloaded once with Maven. */
async function clientJars(): Promise<string> {
  const context = {
    cache: new Cache(cacheDirectory(), systemClock),
    signal: AbortSignal.timeout(600_000),
    report: () => undefined,
  }
  const directory = await context.cache.get(`kafka-connect-client-${version}`, context.signal, async (staging) => {
    const dependency = `<dependency><groupId>org.sourcelab</groupId><artifactId>kafka-connect-client</artifactId><version>${version}</version></dependency>`
    const pom = join(staging, 'pom.xml')
    writeFileSync(
      pom,
      `<project><modelVersion>4.0.0</modelVersion><groupId>penstock</groupId><artifactId>client</artifactId><version>1</version>` +
        `<packaging>pom</packaging><dependencies>${dependency}</dependencies></project>`,
    )
    const lib = join(staging, 'lib')
    mkdirSync(lib)
    await copyJars(context, pom, lib)
  })
  return join(directory, 'lib')
}

interface Call {
  readonly what: string
  readonly result: unknown
}

/** What the client has no JSON for is Java's text, in which the entries of maps have no order. */
function comparableResult(text: string): unknown {
  const result = maskedJson(text)
  return typeof result === 'string' ? result.split(/[{}[\], ]+/).toSorted() : result
}

/** The calls of the program, and their results without what is another one's by nature. */
function callsOf(output: string): readonly Call[] {
  return output
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [method = '', args = '', result = ''] = line.split('\t')
      return {
        what: `${method} ${args}`.replaceAll(/\/\S*penstock-both-[^/]+/g, '<directory>'),
        result: comparableResult(result),
      }
    })
}

describe('the Java client of org.sourcelab', () => {
  let workers: BothWorkers
  let jars: string

  beforeAll(async () => {
    jars = await clientJars()
    workers = await BothWorkers.start()
  })
  afterAll(async () => await workers?.close())

  const calls = async (side: 'ours' | 'theirs'): Promise<readonly Call[]> => {
    const args = [workers[side].place.rest, workers.input, join(workers.directory, 'java.out')]
    return callsOf(await run('java', ['-cp', `${jars}/*`, program, ...args]))
  }

  it('gets the results of Kafka Connect 3.9.1 from each of its methods', async () => {
    const [ours, theirs] = [await calls('ours'), await calls('theirs')]
    const different = theirs.flatMap(({ what, result }, i) => {
      const own = ours[i]
      if (own !== undefined && own.what === what && isDeepStrictEqual(own.result, result)) return []
      return [{ what, text: `${what}\n    here ${JSON.stringify(own?.result)}\n    there ${JSON.stringify(result)}` }]
    })
    const reasonOf = (what: string): string | undefined =>
      Object.entries(known).find(([start]) => what.startsWith(start))?.[1]
    const unexpected = different.filter(({ what }) => reasonOf(what) === undefined)
    const lines = [
      `kafka-connect-client ${version}: ${theirs.length} calls, ${theirs.length - different.length} with equal results`,
      ...different.map(({ what, text }) =>
        reasonOf(what) === undefined ? `DIFFERENT ${text}` : `${what}: ${reasonOf(what)}`,
      ),
      ...theirs.map(({ what }) => what),
    ]
    writeFileSync(new URL('results/java-client.txt', import.meta.url), `${lines.join('\n')}\n`)
    expect(ours).toHaveLength(theirs.length)
    expect(unexpected.map(({ text }) => text)).toEqual([])
    expect(theirs.filter(({ what }) => what.startsWith('not called'))).toEqual([])
  })
})
