import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { reasonOf } from '../../servers/server-error.ts'
import { QuickstartError } from './quickstart-error.ts'

/** What `penstock quickstart` was asked for. */
export interface QuickstartOptions {
  /** Ends after the demonstration. */
  readonly once: boolean
  /** One JSON event a line instead of text. */
  readonly json: boolean
  /** Keeps everything here; null: a temporary folder. */
  readonly data: string | null
  /** Allows writing to a database that was not started here. */
  readonly yes: boolean
  /** Orders in the demo shop. */
  readonly orders: number
  /** Servers that run already; null: start one. */
  readonly given: {
    readonly postgres: string | null
    readonly elasticsearch: string | null
    readonly s3: string | null
  }
}

export const usage = `penstock quickstart [--once] [--json] [--data DIR] [--yes] [--orders N]

Starts a demo shop in Postgres, a log, a worker, Elasticsearch and an S3 store, and shows a row's way through them.

  --once      end after the demonstration
  --json      one JSON event a line
  --data DIR  keep everything in DIR and go on from it the next time
  --yes       allow writing to the Postgres that PENSTOCK_POSTGRES_URL names
  --orders N  orders in the shop (10000)

PENSTOCK_POSTGRES_URL, PENSTOCK_ELASTICSEARCH_URL and PENSTOCK_S3_URL (http://key:secret@host:port) name servers that
run already. PENSTOCK_CACHE is where fetched servers are kept.
`

/** Reads the command line. @throws QuickstartError for what it does not know. */
export function parseOptions(args: readonly string[], env: NodeJS.ProcessEnv): QuickstartOptions {
  const values = parse(args)
  const orders = Number(values.orders ?? 10_000)
  if (!Number.isInteger(orders) || orders < 1)
    throw new QuickstartError(`--orders takes a whole number, not ${values.orders}`)
  const given = {
    postgres: env['PENSTOCK_POSTGRES_URL'] ?? null,
    elasticsearch: env['PENSTOCK_ELASTICSEARCH_URL'] ?? null,
    s3: env['PENSTOCK_S3_URL'] ?? null,
  }
  const yes = values.yes === true
  if (given.postgres !== null && !yes) {
    throw new QuickstartError(
      'PENSTOCK_POSTGRES_URL names a database that was not started here. The quickstart would make a database ' +
        '"penstock_shop" there and write to it: add --yes to allow that.',
    )
  }
  return {
    once: values.once === true,
    json: values.json === true,
    data: values.data === undefined ? null : resolve(values.data),
    yes,
    orders,
    given,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        once: { type: 'boolean' },
        json: { type: 'boolean' },
        data: { type: 'string' },
        yes: { type: 'boolean' },
        orders: { type: 'string' },
      },
    }).values
  } catch (error) {
    throw new QuickstartError(`${reasonOf(error)}\n\n${usage}`, { cause: error })
  }
}
