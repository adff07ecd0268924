import { mkdirSync } from 'node:fs'
import { join } from 'node:path'

import { systemClock } from '../../src/foundation/clock.ts'
import { Cache, cacheDirectory } from '../../src/servers/cache.ts'
import { unpackArtifact } from '../../src/servers/java.ts'
import { fetchKafka } from '../../src/servers/kafka.ts'

const artifact = 'org.apache.kafka:connect-file:3.9.1'
const downloadTimeoutMs = 600_000

/** What a worker of Kafka Connect with the FileStream connectors needs: both are directories. */
export interface ConnectFiles {
  readonly jars: string
  readonly plugins: string
}

/** Downloads Kafka Connect and its file connectors, once. Needs Maven. */
export async function connectFiles(): Promise<ConnectFiles> {
  const signal = AbortSignal.timeout(downloadTimeoutMs)
  const context = { cache: new Cache(cacheDirectory(), systemClock), signal, report: () => {} }
  const jars = await fetchKafka(context)
  const plugins = await context.cache.get('connect-file-3.9.1', signal, async (directory) => {
    // Each directory in a plugin.path is a plugin.
    const plugin = join(directory, 'file')
    mkdirSync(plugin)
    await unpackArtifact(context, artifact, plugin)
  })
  return { jars, plugins }
}
