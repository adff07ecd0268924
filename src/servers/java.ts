import { errorMessage } from '../foundation/error-message.ts'
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'

import { findBinary, run } from './process/command.ts'
import type { FetchContext, ServerContext } from './process/server.ts'
import { ServerError } from './server-error.ts'

const dependencyPlugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.6.1'

/** Returns the path of `java` in JAVA_HOME or PATH. @throws ServerError if there is none, or it is older than `major`. */
export async function findJava(context: ServerContext, major: number): Promise<string> {
  const home = context.env['JAVA_HOME']
  const named = home === undefined ? null : join(home, 'bin', 'java')
  const java = named !== null && existsSync(named) ? named : findBinary('java')
  if (java === null) throw new ServerError(`no java in JAVA_HOME or on PATH (${major} or later is needed)`)
  const text = await run(java, ['--version'], { signal: context.signal }).catch((error: unknown) => errorMessage(error))
  const found = Number(/(?:openjdk|java) (\d+)/.exec(text)?.[1] ?? 0)
  if (found < major)
    throw new ServerError(`${java} is Java ${found || 'of unknown version'}, ${major} or later is needed`)
  return realpathSync(java)
}

/**
 * Unpacks an artifact (`group:artifact:version:zip`; a jar without a type) from Maven's repositories into `directory`.
 * @param includes a pattern for what to unpack; null unpacks everything.
 */
export async function unpackArtifact(
  context: FetchContext,
  artifact: string,
  directory: string,
  includes: string | null = null,
): Promise<void> {
  const part = includes === null ? [] : [`-Dmdep.unpack.includes=${includes}`]
  await maven(
    context,
    [`${dependencyPlugin}:unpack`, `-Dartifact=${artifact}`, `-DoutputDirectory=${directory}`, ...part],
    directory,
  )
}

/** Copies the runtime dependencies of a project file into `directory`. */
export async function copyJars(context: FetchContext, pom: string, directory: string): Promise<void> {
  const args = [
    '-f',
    pom,
    `${dependencyPlugin}:copy-dependencies`,
    '-DincludeScope=runtime',
    `-DoutputDirectory=${directory}`,
  ]
  await maven(context, args, directory)
}

async function maven(context: FetchContext, args: readonly string[], cwd: string): Promise<void> {
  const mvn = findBinary('mvn')
  if (mvn === null) throw new ServerError('no mvn on PATH')
  await run(mvn, ['-q', '-B', ...args], { cwd, signal: context.signal })
}
