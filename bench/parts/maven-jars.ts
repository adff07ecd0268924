import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { copyJars } from '../../src/servers/java.ts'
import type { FetchContext } from '../../src/servers/process/server.ts'

/** Group, artifact and version. */
export type Artifact = readonly [string, string, string]

/** Apicurio's converters, with their copy of Confluent's AvroData: Confluent's own are not on Maven Central. */
export const apicurioConverters: readonly Artifact[] = [
  ['io.apicurio', 'apicurio-registry-utils-converter', '2.6.13.Final'],
  ['org.apache.kafka', 'connect-json', '3.9.1'],
  ['org.slf4j', 'slf4j-nop', '1.7.36'],
]

/** The name of {@link apicurioConverters} in the cache. */
export const apicurioConvertersName = 'apicurio-converters-2.6.13'

/** Returns the directory of jars, with those that they need. They are downloaded once. */
export async function fetchJars(context: FetchContext, name: string, wanted: readonly Artifact[]): Promise<string> {
  const directory = await context.cache.get(name, context.signal, async (staging) => {
    const pom = join(staging, 'pom.xml')
    writeFileSync(
      pom,
      `<project><modelVersion>4.0.0</modelVersion><groupId>penstock</groupId><artifactId>oracle</artifactId><version>1</version>` +
        `<packaging>pom</packaging><dependencies>${wanted.map(dependency).join('')}</dependencies></project>`,
    )
    const lib = join(staging, 'lib')
    mkdirSync(lib)
    await copyJars(context, pom, lib)
  })
  return join(directory, 'lib')
}

const dependency = ([group, artifact, version]: Artifact): string =>
  `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
