import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { argumentFault } from '../config/definition/argument-fault.ts'
import { QuickstartError } from './quickstart-error.ts'

/** Servers that run already; null: start one. */
export interface GivenServers {
  readonly postgres: string | null
  readonly elasticsearch: string | null
  readonly s3: string | null
}

/** Where everything listens. */
export interface Ports {
  readonly rest: number
  readonly log: number
  readonly postgres: number
  readonly elasticsearch: number
  readonly s3: number
}

/** What `penstock quickstart` was asked for. */
export interface QuickstartOptions {
  /** Ends after the demonstration. */
  readonly once: boolean
  /** One JSON event a line instead of text. */
  readonly json: boolean
  /** Keeps everything here; null: a temporary directory. */
  readonly data: string | null
  /** Allows writing to servers that were not started here. */
  readonly yes: boolean
  /** Orders in the demo shop. */
  readonly orders: number
  readonly ports: Ports
  /** The options of the ports that were asked for: another port will not do. */
  readonly fixedPorts: readonly (keyof Ports)[]
  readonly given: GivenServers
}

export const usage = `penstock quickstart [--once] [--json] [--data DIR] [--yes] [--orders N] [--rest-port N …]

Starts a demo shop in Postgres, a log, a worker, Elasticsearch and an S3 store, and shows a row's way through them.

  --once      end after the demonstration
  --json      one JSON event a line
  --data DIR  keep everything in DIR and go on from it the next time
  --yes       allow writing to servers that were not started here, without asking
  --orders N  orders in the shop (10000)

  --rest-port N           the worker's REST (8083)
  --log-port N            the log, for Kafka clients (19092)
  --postgres-port N       Postgres (15432)
  --elasticsearch-port N  Elasticsearch (19200)
  --s3-port N             the S3 store (19000)

A port that is in use is replaced, unless its option names it. PENSTOCK_POSTGRES_URL, PENSTOCK_ELASTICSEARCH_URL and
PENSTOCK_S3_URL (http://key:secret@host:port) name servers that run already. PENSTOCK_CACHE is where downloaded servers
are kept.
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

/** Reads the command line; null when help was asked for. @throws QuickstartError for what it does not know. */
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
  throw new QuickstartError(`${option} takes a whole number from 1 to ${most}, not ${text}`)
}
