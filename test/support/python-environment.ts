import { join } from 'node:path'

import { systemClock } from '../../src/foundation/clock.ts'
import { Cache, cacheDirectory } from '../../src/servers/cache.ts'
import { run } from '../../src/servers/process/command.ts'

/** Returns the Python of a virtual environment with a package from PyPI, which is downloaded once. */
export async function pythonWith(name: string, version: string, extras: readonly string[] = []): Promise<string> {
  const signal = AbortSignal.timeout(600_000)
  const cache = new Cache(cacheDirectory(), systemClock)
  const directory = await cache.get([name, version, ...extras].join('-'), signal, async (staging) => {
    const environment = join(staging, 'venv')
    await run('python3', ['-m', 'venv', environment], { signal })
    const wanted = `${name}[${extras.join(',')}]==${version}`
    await run(join(environment, 'bin/python'), ['-m', 'pip', 'install', '--quiet', wanted], { signal })
  })
  return join(directory, 'venv/bin/python')
}
