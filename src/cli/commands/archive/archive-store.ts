import type { S3Store } from '../../../../connectors/s3-store/client/s3-store.ts'
import { parseConfig } from '../../../config/definition/parse-config.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import { exitCodes } from '../../../foundation/process/exit-codes.ts'
import { settingsOf, type Given, type Option } from '../../command/command.ts'
import { CommandError } from '../../command/command-error.ts'
import type { Session } from '../../command/session.ts'

/** Where an archive is. */
export interface ArchivePlace {
  readonly bucket: string
  /** `topics.dir` of the sink. */
  readonly topicsDir: string
  /** Options of the connectors of S3, as texts. */
  readonly settings: Readonly<Record<string, string>>
}

/** The options that name a store. */
export const storeCommandOptions: readonly Option[] = [
  { flags: '--store-url URL', summary: 'a store other than Amazon S3, such as http://127.0.0.1:9000' },
  { flags: '--region REGION', summary: 'the region of the bucket' },
  {
    flags: '--set KEY=VALUE',
    summary: 'another option of the S3 connectors, such as file.delim or s3.sse.customer.key',
    repeats: true,
  },
]

/** Reads `s3://bucket/prefix` and the options of a store. @throws CommandError */
export function placeOf(address: string, given: Given): ArchivePlace {
  const [, bucket, prefix = ''] = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(address) ?? []
  if (bucket === undefined) throw new CommandError(`an archive is s3://BUCKET or s3://BUCKET/PREFIX, not "${address}"`)
  const [url, region] = [given.text('store-url'), given.text('region')]
  const settings = {
    ...(url === null ? {} : { 'store.url': url }),
    ...(region === null ? {} : { 's3.region': region }),
    ...settingsOf(given.list('set')),
  }
  return { bucket, topicsDir: prefix.replace(/\/+$/, ''), settings }
}

/** The names of objects. */
export interface ArchiveLayout {
  readonly topicsDir: string
  readonly directoryDelimiter: string
  readonly fileDelimiter: string
}

/**
 * Opens the store of an archive for `use`, and closes it. Requests that fail are retried, which standard error says.
 * @throws CommandError when the bucket cannot be read
 */
export async function withStore<T>(
  { bucket, topicsDir, settings }: ArchivePlace,
  { out, clock }: Session,
  use: (store: S3Store, layout: ArchiveLayout) => Promise<T>,
): Promise<T> {
  // The SDK is loaded by these commands only.
  const [{ S3Store: Store }, { storeOptions }, { storeSettings }] = await Promise.all([
    import('../../../../connectors/s3-store/client/s3-store.ts'),
    import('../../../../connectors/s3-store/config/store-options.ts'),
    import('../../../../connectors/s3-store/config/store-settings.ts'),
  ])
  const unknown = Object.keys(settings).find((key) => !Object.hasOwn(storeOptions, key))
  if (unknown !== undefined) throw new CommandError(`there is no option ${unknown} of a store of objects`)
  const config = parseConfig(storeOptions, { 's3.bucket.name': bucket, 'topics.dir': topicsDir, ...settings })
  const layout = {
    topicsDir,
    directoryDelimiter: String(config['directory.delim']),
    fileDelimiter: String(config['file.delim']),
  }
  const store = new Store({ ...storeSettings(config), maxBackoffMs: 5000 }, clock, {
    waitsFor: (reason) => (reason === null ? undefined : out.remark(reason)),
  })
  try {
    await checked(store)
    return await use(store, layout)
  } finally {
    store.close()
  }
}

async function checked(store: S3Store): Promise<void> {
  try {
    await store.checkBucket(new AbortController().signal)
  } catch (error) {
    const isRefused = error instanceof Error && error.name === 'S3RefusedError'
    throw new CommandError(errorMessage(error), isRefused ? exitCodes.denied : exitCodes.unreachable, { cause: error })
  }
}
