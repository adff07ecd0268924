import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'

import { withoutPassword } from '../servers/process/server.ts'
import { bucket, databaseName, indices, publicationName, slotName, tables, topicOf, topicPrefix } from './demo/names.ts'
import type { GivenServers, QuickstartOptions } from './options.ts'
import { QuickstartError } from './quickstart-error.ts'

/** Returns what the quickstart would write to servers that it did not start; null if it starts all servers. */
export function describeWrites(given: GivenServers): string | null {
  const { postgres, elasticsearch, s3 } = given
  const writes = [
    ...(postgres === null
      ? []
      : [
          `Postgres at ${withoutPassword(postgres)}`,
          `  database ${databaseName} with the demo shop, slot ${slotName}, publication ${publicationName}`,
        ]),
    ...(elasticsearch === null
      ? []
      : [
          `Elasticsearch at ${withoutPassword(elasticsearch)}`,
          ...indices.split(',').map((index) => `  index ${index}, deleted and re-created if it exists`),
        ]),
    ...(s3 === null
      ? []
      : [
          `S3 store at ${withoutPassword(s3)}`,
          `  bucket ${bucket}: objects topics/${topicOf('*')}/…, deleted and re-created if they exist`,
        ]),
  ]
  return writes.length === 0
    ? null
    : ['The quickstart would write to servers that it did not start:', ...writes].join('\n')
}

/**
 * Asks the user before the quickstart writes to servers that it did not start.
 * @throws QuickstartError if the user declines, or there is no terminal to ask.
 */
export async function askForConsent(
  options: QuickstartOptions,
  terminal: { readonly input: Readable; readonly output: Writable; readonly interactive: boolean },
  signal: AbortSignal,
): Promise<void> {
  const writes = describeWrites(options.given)
  if (writes === null || options.yes) return
  if (!terminal.interactive) throw new QuickstartError(`${writes}\nAdd --yes to allow that.`)
  const dialogue = createInterface({ input: terminal.input, output: terminal.output })
  try {
    const reply = await dialogue.question(`${writes}\nContinue? [y/N] `, { signal })
    if (!/^y(es)?$/i.test(reply.trim())) throw new QuickstartError('Nothing was written.')
  } finally {
    dialogue.close()
  }
}

/** The servers that the quickstart did not start and in which it left data. */
export interface Left {
  readonly postgres: boolean
  readonly elasticsearch: boolean
  /** The origin of the store's URL; null if nothing was written. */
  readonly s3: string | null
}

/** Returns the commands that remove the data left in those servers; null if there is none. */
export function describeLeft(left: Left): string | null {
  const indexPattern = `${topicPrefix}.public.{${tables.join(',')}}`
  const lines = [
    ...(left.postgres ? [`  psql "$PENSTOCK_POSTGRES_URL" -c "DROP DATABASE ${databaseName}"`] : []),
    // curl expands the braces. Elasticsearch does not accept wildcards in deletions.
    ...(left.elasticsearch ? [`  curl -sS -X DELETE "$PENSTOCK_ELASTICSEARCH_URL/${indexPattern}"`] : []),
    ...(left.s3 === null ? [] : [`  aws --endpoint-url ${left.s3} s3 rb --force s3://${bucket}`]),
  ]
  return lines.length === 0
    ? null
    : ['Data remains in servers that the quickstart did not start. To remove it:', ...lines].join('\n')
}
