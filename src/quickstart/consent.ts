import { createInterface } from 'node:readline/promises'
import type { Readable, Writable } from 'node:stream'

import { withoutPassword } from '../servers/process/server.ts'
import { bucket, databaseName, indices, publicationName, slotName, tables, topicOf, topicPrefix } from './demo/names.ts'
import type { GivenServers, QuickstartOptions } from './options.ts'
import { QuickstartError } from './quickstart-error.ts'

/** What would be written into servers that were not started here, by server; null when there are none. */
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
          ...indices.split(',').map((index) => `  index ${index}, deleted and created again if it exists`),
        ]),
    ...(s3 === null
      ? []
      : [
          `S3 store at ${withoutPassword(s3)}`,
          `  bucket ${bucket}: objects topics/${topicOf('*')}/…, deleted and written again if they exist`,
        ]),
  ]
  return writes.length === 0
    ? null
    : ['The quickstart would write into servers that it did not start:', ...writes].join('\n')
}

/**
 * Asks before anything is written into a server that was not started here.
 * @throws QuickstartError when it is not allowed, or nobody is there to be asked.
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
    const reply = await dialogue.question(`${writes}\nGo on? [y/N] `, { signal })
    if (!/^y(es)?$/i.test(reply.trim())) throw new QuickstartError('Nothing was written.')
  } finally {
    dialogue.close()
  }
}

/** How to remove what a run left in servers that were not started here. */
export interface Left {
  readonly postgres: boolean
  readonly elasticsearch: boolean
  /** The store's origin. */
  readonly s3: string | null
}

/** What is left in servers that were not started here, and the commands that remove it; null when nothing is. */
export function describeLeft(left: Left): string | null {
  const indexPattern = `${topicPrefix}.public.{${tables.join(',')}}`
  const lines = [
    ...(left.postgres ? [`  psql "$PENSTOCK_POSTGRES_URL" -c "DROP DATABASE ${databaseName}"`] : []),
    // curl expands the braces: Elasticsearch takes no wildcard for a deletion.
    ...(left.elasticsearch ? [`  curl -sS -X DELETE "$PENSTOCK_ELASTICSEARCH_URL/${indexPattern}"`] : []),
    ...(left.s3 === null ? [] : [`  aws --endpoint-url ${left.s3} s3 rb --force s3://${bucket}`]),
  ]
  return lines.length === 0 ? null : ['Left in servers that were not started here; to remove it:', ...lines].join('\n')
}
