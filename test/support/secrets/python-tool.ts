import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import type { Servers } from '../../../src/servers/servers.ts'

/** Runs a tool that was installed from PyPI, in a directory of its own below that of `servers`. It stops with them. */
export async function runPythonTool(
  servers: Servers,
  name: string,
  { program, args }: { readonly program: string; readonly args: readonly string[] },
): Promise<void> {
  const directory = join(servers.directory, name)
  mkdirSync(directory, { recursive: true })
  await servers.run({
    command: program,
    args,
    cwd: directory,
    env: { HOME: directory, PATH: process.env['PATH'] ?? '', PYTHONPATH: dirname(dirname(program)) },
    account: null,
    logFile: join(directory, `${name}.log`),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
  })
}
