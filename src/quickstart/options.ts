import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { argumentFault } from '../config/definition/argument-fault.ts'
import { QuickstartError } from './quickstart-error.ts'

/** URLs of servers that run already; null starts one. */
export interface GivenServers {
  readonly postgres: string | null
  readonly elasticsearch: string | null
  readonly s3: string | null
}

/** The ports of all servers. */
export interface Ports {
  readonly rest: number
  readonly log: number
  readonly postgres: number
  readonly elasticsearch: number
  readonly s3: number
}

/** The command line of `penstock quickstart`. */
export interface QuickstartOptions {
  /** Whether to end after the demonstration. */
  readonly once: boolean
  /** Whether to write one JSON event per line instead of text. */
  readonly json: boolean
  /** The directory in which data is kept; null is a temporary directory. */
  readonly data: string | null
  /** Whether writing to servers that the quickstart did not start is allowed. */
  readonly yes: boolean
  /** Number of orders in the demo shop. */
  readonly orders: number
  readonly ports: Ports
  /** The ports that options set, which must not be replaced. */
  readonly fixedPorts: readonly (keyof Ports)[]
  readonly given: GivenServers
}

export const usage = `penstock quickstart [--once] [--json] [--data DIR] [--yes] [--orders N] [--rest-port N …]

Starts a demo shop in Postgres, a worker with its embedded broker, Elasticsearch and an S3 store, and shows the path of
a row through them.

  --once      exit after the demonstration
  --json      write one JSON event per line
  --data DIR  keep all data in DIR, and resume from it in the next run
  --yes       allow writing to servers that the quickstart did not start, without asking
  --orders N  number of orders in the shop (default 10000)

  --rest-port N           port of the worker's REST API (default 8083)
  --log-port N            port of the embedded broker (default 19092)
  --postgres-port N       port of Postgres (default 15432)
  --elasticsearch-port N  port of Elasticsearch (default 19200)
  --s3-port N             port of the S3 store (default 19000)

If a default port is in use, another one is chosen. To use servers that run already, set PENSTOCK_POSTGRES_URL,
PENSTOCK_ELASTICSEARCH_URL and PENSTOCK_S3_URL (http://key:secret@host:port). PENSTOCK_CACHE is the directory for
downloaded servers.
`

const defaultPorts: Ports = { rest: 8083, log: 19_092, postgres: 15_432, elasticsearch: 19_200, s3: 19_000 }
const portNames = Object.keys(defaultPorts) as (keyof Ports)[]

const options = {
  once: { type: 'boolean' },
  json: { type: 'boolean' },
  data: { type: 'string' },
  yes: { type: 'boolean' },
  orders: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  'rest-port': { type: 'string' },
  'log-port': { type: 'string' },
  'postgres-port': { type: 'string' },
  'elasticsearch-port': { type: 'string' },
  's3-port': { type: 'string' },
} as const

/** Parses the command line; null for --help. @throws QuickstartError if it is invalid. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): QuickstartOptions | null {
  const config = { args: [...args], options }
  const fault = argumentFault('quickstart', config)
  if (fault !== null) throw new QuickstartError(fault)
  const { values } = parseArgs(config)
  if (values.help === true) return null
  const fixedPorts = portNames.filter((name) => values[`${name}-port`] !== undefined)
  const chosen = fixedPorts.map((name) => [name, wholeNumber(`--${name}-port`, values[`${name}-port`], 65_535)])
  return {
    once: values.once === true,
    json: values.json === true,
    data: values.data === undefined ? null : resolve(values.data),
    yes: values.yes === true,
    orders: wholeNumber('--orders', values.orders ?? '10000', 100_000_000),
    ports: { ...defaultPorts, ...(Object.fromEntries(chosen) as Partial<Ports>) },
    fixedPorts,
    given: {
      postgres: env['PENSTOCK_POSTGRES_URL'] ?? null,
      elasticsearch: env['PENSTOCK_ELASTICSEARCH_URL'] ?? null,
      s3: env['PENSTOCK_S3_URL'] ?? null,
    },
  }
}

function wholeNumber(option: string, text: string | undefined, most: number): number {
  const number = /^\d+$/.test(text ?? '') ? Number(text) : 0
  if (number >= 1 && number <= most) return number
  throw new QuickstartError(`${option} must be a whole number from 1 to ${most}, not ${text}`)
}
