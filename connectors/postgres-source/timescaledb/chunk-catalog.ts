import { abortable, NotReadyError, RetriableError, type Clock, type Logger } from 'penstock/api'
import { tableKey, type ChunkOwner, type TableId } from './chunk-owner.ts'
import type { ChunkReader, ReadChunks } from './read-chunks.ts'

/** Where a change is from. */
export interface ChangedTable extends TableId {
  /** The transaction of the change, as Postgres shows it (32 bits); null if it is not known. */
  readonly transaction: number | null
}

/** How long a table that is no chunk is not looked for again: each of its changes would read the catalog. Milliseconds. */
const otherMs = 60_000
/** How long the error of a read is that of the changes that follow. Milliseconds. */
const failureMs = 10_000
/** How often a transaction that is not visible yet is looked at. Milliseconds. */
const visibilityMs = 50
/** How long it is looked at until that counts as a failure, which the task shows and retries. Milliseconds. */
const visibilityPatienceMs = 10_000
/** How many tables that are no chunks are remembered (I10). */
const maxOthers = 10_000

/**
 * Knows which table is a chunk of which hypertable. A table that it does not know makes it read TimescaleDB's catalog again, all of it,
 * because the first chunk is followed by others.
 */
export class ChunkCatalog {
  readonly #read: ReadChunks
  readonly #clock: Clock
  readonly #logger: Logger | null
  #owners: ReadonlyMap<string, ChunkOwner> = new Map()
  /** Tables that are no chunks, with the monotonic time until which that holds. */
  readonly #others = new Map<string, number>()
  #failure: { readonly error: Error; readonly until: number } | null = null

  /** @param logger null: nothing is logged */
  constructor(read: ReadChunks, clock: Clock, logger: Logger | null) {
    this.#read = read
    this.#clock = clock
    this.#logger = logger
  }

  /**
   * Returns the owner of a chunk; null for a table that is no chunk.
   * @throws NotReadyError until the catalog is read, or what that failed with a moment ago
   */
  ownerOf(changed: ChangedTable): ChunkOwner | null {
    const key = tableKey(changed)
    const owner = this.#owners.get(key)
    if (owner !== undefined) return owner
    const now = this.#clock.monotonic()
    if ((this.#others.get(key) ?? -Infinity) > now) return null
    if (this.#failure !== null && this.#failure.until > now) throw this.#failure.error
    throw new NotReadyError(`the hypertable of ${changed.schema}.${changed.table}`, async (signal) =>
      this.#refresh(changed, signal),
    )
  }

  async #refresh(changed: ChangedTable, signal: AbortSignal): Promise<void> {
    try {
      this.#owners = await this.#read(async (reader) => {
        await this.#untilVisible(changed, reader, signal)
        return await reader.chunks()
      }, signal)
    } catch (error) {
      const isFinal = error instanceof Error && !(error instanceof RetriableError) && !signal.aborted
      if (isFinal) this.#failure = { error, until: this.#clock.monotonic() + failureMs }
      throw error
    }
    this.#failure = null
    const key = tableKey(changed)
    if (this.#owners.has(key)) this.#others.delete(key)
    else this.#addOther(key, changed)
  }

  /**
   * A server sends a transaction once it is in the WAL. Others see it a moment later, with a synchronous standby when that has it.
   * Until then its chunk is not in the catalog.
   */
  async #untilVisible(
    { schema, table, transaction }: ChangedTable,
    reader: ChunkReader,
    signal: AbortSignal,
  ): Promise<void> {
    if (transaction === null) return
    const end = this.#clock.monotonic() + visibilityPatienceMs
    while (await reader.isInProgress(transaction)) {
      if (this.#clock.monotonic() >= end)
        throw new RetriableError(
          `transaction ${transaction}, which changed ${schema}.${table}, is in the WAL and not visible to other sessions yet: it waits ` +
            'for a synchronous standby (synchronous_standby_names). Its changes wait, because its chunks are not in the catalog before',
          { code: 'PG_NOT_VISIBLE' },
        )
      await abortable(this.#clock.sleep(visibilityMs, signal), signal)
    }
  }

  #addOther(key: string, { schema, table }: TableId): void {
    if (!this.#others.has(key))
      this.#logger?.warn(
        `no hypertable has the chunk ${schema}.${table}, or it was dropped: records of this table stay as they are`,
      )
    this.#others.delete(key)
    for (const oldest of this.#others.keys()) {
      if (this.#others.size < maxOthers) break
      this.#others.delete(oldest)
    }
    this.#others.set(key, this.#clock.monotonic() + otherMs)
  }
}
