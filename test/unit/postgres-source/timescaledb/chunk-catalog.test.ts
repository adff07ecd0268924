import { ConnectError, NotReadyError, RetriableError } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { ChunkCatalog, type ChangedTable } from '../../../../connectors/postgres-source/timescaledb/chunk-catalog.ts'
import { tableKey, type ChunkOwner } from '../../../../connectors/postgres-source/timescaledb/chunk-owner.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { until } from '../../../support/until.ts'

const owner: ChunkOwner = { hypertable: { schema: 'public', table: 'conditions' }, aggregate: null }
const chunk = (number: number, transaction: number | null = null): ChangedTable => ({
  schema: 'internal',
  table: `chunk_${number}`,
  transaction,
})

/** A database with chunks, some of whose transactions are not visible yet. */
class Given {
  readonly clock = new ManualClock()
  readonly logger = quietLogger()
  readonly chunks = new Set<string>()
  readonly invisible = new Map<number, readonly ChangedTable[]>()
  reads = 0
  looks = 0
  error: Error | null = null
  readonly catalog = new ChunkCatalog(
    async (use) => {
      this.reads += 1
      if (this.error !== null) throw this.error
      return await use({
        chunks: async () => new Map([...this.chunks].map((key) => [key, owner])),
        isInProgress: async (transaction) => {
          this.looks += 1
          return this.invisible.has(transaction)
        },
      })
    },
    this.clock,
    this.logger,
  )

  create(...made: readonly ChangedTable[]): this {
    for (const one of made) this.chunks.add(tableKey(one))
    return this
  }

  /** Asks as the runtime does. */
  async ownerOf(changed: ChangedTable): Promise<ChunkOwner | null> {
    try {
      return this.catalog.ownerOf(changed)
    } catch (error) {
      if (!(error instanceof NotReadyError)) throw error
      await error.ready(new AbortController().signal)
      return this.catalog.ownerOf(changed)
    }
  }
}

describe('the catalog of chunks', () => {
  it('is read once for all chunks that it has, and again for one that was created since', async () => {
    const given = new Given().create(chunk(1), chunk(2))
    expect([await given.ownerOf(chunk(1)), await given.ownerOf(chunk(2)), given.reads]).toEqual([owner, owner, 1])
    given.create(chunk(3))
    expect([await given.ownerOf(chunk(3)), await given.ownerOf(chunk(1)), given.reads]).toEqual([owner, owner, 2])
  })

  it('is not read again for a minute for a table that is no chunk, which is logged once', async () => {
    const given = new Given()
    for (let i = 0; i < 3; i += 1) expect(await given.ownerOf(chunk(1))).toBeNull()
    given.clock.advance(59_999)
    expect([await given.ownerOf(chunk(1)), given.reads]).toEqual([null, 1])
    given.clock.advance(1)
    expect([await given.ownerOf(chunk(1)), given.reads]).toEqual([null, 2])
    expect(given.logger.lines.map(({ level, message }) => [level, message])).toEqual([
      [
        'warn',
        'no hypertable has the chunk internal.chunk_1, or it was dropped: records of this table stay as they are',
      ],
    ])
  })

  it('finds a table that became a chunk after that minute', async () => {
    const given = new Given()
    expect(await given.ownerOf(chunk(1))).toBeNull()
    given.create(chunk(1)).clock.advance(60_000)
    expect([await given.ownerOf(chunk(1)), given.reads]).toEqual([owner, 2])
  })

  it('forgets the oldest of more than ten thousand tables that are no chunks', async () => {
    const given = new Given()
    for (let i = 0; i <= 10_000; i += 1) await given.ownerOf(chunk(i))
    given.reads = 0
    expect([await given.ownerOf(chunk(1)), given.reads]).toEqual([null, 0])
    expect([await given.ownerOf(chunk(0)), given.reads]).toEqual([null, 1])
  })

  it('keeps what it knows while it cannot be read', async () => {
    const given = new Given().create(chunk(1))
    await given.ownerOf(chunk(1))
    given.error = new RetriableError('away')
    await expect(given.ownerOf(chunk(2))).rejects.toThrow('away')
    expect(await given.ownerOf(chunk(1))).toEqual(owner)
    given.create(chunk(2)).error = null
    expect([await given.ownerOf(chunk(2)), given.reads]).toEqual([owner, 3])
  })

  it('is not asked again for ten seconds by a user that it refuses', async () => {
    const given = new Given().create(chunk(1))
    given.error = new ConnectError('permission denied')
    for (let i = 0; i < 3; i += 1) await expect(given.ownerOf(chunk(i))).rejects.toThrow('permission denied')
    expect(given.reads).toBe(1)
    given.error = null
    given.clock.advance(10_000)
    expect([await given.ownerOf(chunk(1)), given.reads]).toEqual([owner, 2])
  })
})

describe('a chunk of a transaction that other sessions do not see yet', () => {
  it('waits for that before the catalog is read', async () => {
    const given = new Given()
    given.invisible.set(7, [chunk(1)])
    const found = given.ownerOf(chunk(1, 7))
    for (let i = 1; i <= 3; i += 1) {
      await until('it waits', () => given.looks === i && given.clock.pending === 1)
      if (i === 3) given.create(chunk(1)).invisible.delete(7)
      given.clock.advance(50)
    }
    expect(await found).toEqual(owner)
    expect([given.looks, given.reads]).toEqual([4, 1])
  })

  it('is retried after ten seconds, with the reason', async () => {
    const given = new Given()
    given.invisible.set(7, [])
    let error: unknown = null
    const found = given.ownerOf(chunk(1, 7)).catch((thrown: unknown) => void (error = thrown))
    await until('it gives up', () => {
      if (given.clock.pending === 1) given.clock.advance(1000)
      return error !== null
    })
    await found
    expect(error).toBeInstanceOf(RetriableError)
    expect(String(error)).toContain('PG_NOT_VISIBLE: transaction 7, which changed internal.chunk_1')
  })

  it('ends its wait with the task', async () => {
    const given = new Given()
    given.invisible.set(7, [])
    const stopping = new AbortController()
    let waiting: Promise<void> = Promise.resolve()
    try {
      given.catalog.ownerOf(chunk(1, 7))
    } catch (error) {
      waiting = (error as NotReadyError).ready(stopping.signal)
    }
    const ended = waiting.catch(String)
    await until('it waits', () => given.clock.pending === 1)
    stopping.abort(new Error('stopped'))
    expect(await ended).toContain('stopped')
    // What the end interrupts is no failure of the database.
    given.invisible.clear()
    expect(await given.ownerOf(chunk(1, 7))).toBeNull()
  })
})
