import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach } from 'vitest'

import type { RestOptions, RestServer } from '../../../src/rest/rest-server.ts'
import { MemoryHerder } from '../rest/memory-herder.ts'
import { startedRest } from '../rest/started-rest.ts'
import { JsonServer, type Responses } from './json-server.ts'
import { runCli, type CliOptions, type CliResult } from './run-cli.ts'

/** What each test of the command line has: a directory, and a REST API over a herder in memory, which the commands talk to. */
export interface CliStage {
  readonly directory: string
  readonly herder: MemoryHerder
  readonly server: RestServer
  /** Replaces the REST API by one with other options. */
  restart(options: Partial<RestOptions>): Promise<void>
  /** Runs `penstock` with these arguments. */
  readonly penstock: (args: readonly string[], options?: CliOptions) => Promise<CliResult>
}

/** Makes the stage before each test of a suite. `env` is what the commands find in their environment beside the address. */
export function cliStage(env: (directory: string) => NodeJS.ProcessEnv = () => ({})): CliStage {
  let directory = ''
  let herder: MemoryHerder
  let server: RestServer
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'penstock-cli-'))
    herder = new MemoryHerder()
    server = await startedRest({ herder })
  })
  afterEach(async () => {
    await server.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return {
    get directory() {
      return directory
    },
    get herder() {
      return herder
    },
    get server() {
      return server
    },
    async restart(options) {
      await server.close()
      server = await startedRest({ herder, ...options })
    },
    penstock: async (args, options = {}) =>
      await runCli(args, { ...options, env: { ...env(directory), PENSTOCK_URL: server.url, ...options.env } }),
  }
}

/** Runs commands against a server that has only these responses. It is closed after the test. */
export function jsonStage(): {
  readonly server: JsonServer | null
  readonly penstock: (args: readonly string[], responses: Responses, options?: CliOptions) => Promise<CliResult>
  start(...args: Parameters<typeof JsonServer.start>): Promise<JsonServer>
} {
  let server: JsonServer | null = null
  afterEach(async () => {
    await server?.close()
    server = null
  })
  const start = async (...args: Parameters<typeof JsonServer.start>): Promise<JsonServer> => {
    await server?.close()
    server = await JsonServer.start(...args)
    return server
  }
  return {
    get server() {
      return server
    },
    start,
    penstock: async (args, responses, options = {}) => {
      const { url } = await start(responses)
      return await runCli(args, { ...options, env: { PENSTOCK_URL: url } })
    },
  }
}
