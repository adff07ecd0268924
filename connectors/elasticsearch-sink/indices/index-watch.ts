import { DeadlineExceededError, RetriableError, withDeadline, type SinkTaskContext } from 'penstock/api'
import { continues, recreatedError, type Identity } from './index-identity.ts'
import type { Call, Cluster, Response } from '../client/cluster.ts'
import { rejection, requestWithRetry, unusableBecause } from '../client/requests.ts'
import type { Retries, Streak, Trouble } from '../client/retries.ts'

export interface IndexWatchParts {
  readonly cluster: Cluster
  readonly retries: Retries
  readonly context: Pick<SinkTaskContext, 'setCondition' | 'connector' | 'clock'>
  /** The sink waits for an alias that is gone: no write creates an index of its name meanwhile. */
  readonly requireAlias: boolean
  /** Whether the names are those of data streams. */
  readonly streams: boolean
  /** The most names to watch: those that were named first are forgotten. */
  readonly maxNames: number
}

/** An identity; `missing` where the name does not exist, `hidden` where the user may not read it. */
type Found = Identity | 'missing' | 'hidden'
type Ask = (call: Call) => Promise<Response>

const uuidsOnly = { filter_path: '*.settings.index.uuid' }
// The next commit checks again. A check must not delay a rebalance or the end of the task.
const lookMs = 5000
// Nodes accept 4096 bytes for the first line of a request by default (http.max_initial_line_length).
const maxNamesLength = 3000
const encodedComma = '%2C'

/**
 * Watches the uuids of the indices that the task writes to. Elasticsearch re-creates an index that is deleted under a running
 * task at the next write, with a guessed mapping and without the earlier documents; no option of a request prevents that. So
 * offsets are committed only after a check has found the same indices as before the writes: then they hold what was
 * acknowledged (I1). An item that is the first of a shard causes a check immediately.
 */
export class IndexWatch {
  readonly #parts: IndexWatchParts
  /** By name; null where the name did not exist, or the user may not read it. */
  readonly #known = new Map<string, Identity | null>()
  readonly #hidden = new Set<string>()
  readonly #streak: Streak
  #written = false

  constructor(parts: IndexWatchParts) {
    this.#parts = parts
    this.#streak = parts.retries.begin()
  }

  knows(name: string): boolean {
    return this.#known.has(name)
  }

  /** Call it before the first write to a name. @throws ConnectError when Elasticsearch rejects the request. */
  async remember(name: string, signal: AbortSignal): Promise<void> {
    const { cluster, retries } = this.#parts
    this.#note(name, await this.#find(name, (call) => requestWithRetry(cluster, retries, signal, call)))
    const oldest = this.#known.size > this.#parts.maxNames ? this.#known.keys().next().value : undefined
    if (oldest === undefined) return
    this.#known.delete(oldest)
    this.#hidden.delete(oldest)
  }

  /** Operations were applied to the index that has the name by now. */
  wrote(): void {
    this.#written = true
  }

  /** Checks these names immediately, with one attempt. @throws ConnectError ES_INDEX_RECREATED. */
  async suspect(names: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const ask = this.#askOnce(signal)
    try {
      for (const name of names) if (this.#known.has(name)) await this.#examine(name, ask)
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error
    }
  }

  /**
   * Call it before offsets of applied operations are committed.
   * @throws RetriableError when the check fails, ConnectError ES_INDEX_RECREATED.
   */
  async confirm(signal: AbortSignal): Promise<void> {
    const written = this.#written
    this.#written = false
    try {
      const ask = this.#askOnce(signal)
      for (const name of await this.#doubtful(ask)) await this.#examine(name, ask)
      this.#streak.over()
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error
      const { code, reason } =
        error instanceof TroubleError ? error.trouble : { code: 'ES_UNAVAILABLE' as const, reason: error.message }
      // Without writes there is nothing to commit, and no reason to wait.
      if (!written) return
      this.#written = true
      this.#streak.failed({ code, reason: `offsets are not committed meanwhile: ${reason}` })
      throw error
    }
  }

  /** Returns the names that need a check of their own. Plain indices are checked in few requests. */
  async #doubtful(ask: Ask): Promise<readonly string[]> {
    const doubtful: string[] = []
    const plain: (readonly [name: string, uuid: string])[] = []
    for (const [name, identity] of this.#known) {
      const uuid = identity?.indices.size === 1 ? identity.write : null
      if (uuid !== null && identity?.indices.get(uuid) === name) plain.push([name, uuid])
      else doubtful.push(name)
    }
    for (const group of groupsOf(plain)) {
      const query = { index: group.map(([name]) => name), ignore_unavailable: true, ...uuidsOnly }
      const response = await ask((client, options) => client.indices.getSettings(query, options))
      const found = response.status === 200 ? uuidsOf(response.body) : null
      for (const [name, uuid] of group) if (found?.has(uuid) !== true) doubtful.push(name)
    }
    return doubtful
  }

  async #examine(name: string, ask: Ask): Promise<void> {
    const found = await this.#find(name, ask)
    const before = this.#known.get(name) ?? null
    const { requireAlias, context } = this.#parts
    if (before !== null && found !== 'hidden') {
      if (found === 'missing' && requireAlias)
        throw new TroubleError({ code: 'ES_INDEX_MISSING', reason: `alias '${name}' is gone` })
      const now = found === 'missing' ? null : found
      if (now === null || !continues(before, now)) throw recreatedError(name, before, now, context.connector)
    }
    this.#note(name, found)
  }

  #note(name: string, found: Found): void {
    if (found === 'hidden') this.#hidden.add(name)
    else this.#hidden.delete(name)
    // An identity is kept while it may not be read.
    this.#known.set(name, typeof found === 'string' ? (this.#known.get(name) ?? null) : found)
    this.#parts.context.setCondition(
      'ES_INDEX_UNWATCHED',
      this.#hidden.size === 0
        ? null
        : `Elasticsearch does not show this user the uuid of ${[...this.#hidden]
            .slice(0, 5)
            .map((one) => `'${one}'`)
            .join(
              ', ',
            )}: the sink would not notice that an index was deleted or replaced. Grant the privilege view_index_metadata`,
    )
  }

  async #find(name: string, ask: Ask): Promise<Found> {
    const found = await find(name, ask)
    if (!this.#parts.streams || typeof found === 'string' || found.write !== null) return found
    return { ...found, write: await streamWriteIndex(name, ask) }
  }

  /** One attempt, with a timeout. */
  #askOnce(signal: AbortSignal): Ask {
    const { cluster, context } = this.#parts
    const deadline = { clock: context.clock, ms: lookMs, signal }
    return async (call) => {
      try {
        const response = await withDeadline(deadline, (bound) => cluster.request(call, bound))
        const trouble = unusableBecause(response)
        if (trouble !== null) throw new TroubleError(trouble)
        return response
      } catch (error) {
        if (!(error instanceof DeadlineExceededError)) throw error
        throw new RetriableError(`the indices were not read within ${lookMs} ms`, { cause: error })
      }
    }
  }
}

/** A check that failed. */
class TroubleError extends RetriableError {
  readonly trouble: Trouble

  constructor(trouble: Trouble) {
    super(trouble.reason, { code: trouble.code })
    this.trouble = trouble
  }
}

async function find(name: string, ask: Ask): Promise<Found> {
  const response = await ask((client, options) => client.indices.getSettings({ index: name, ...uuidsOnly }, options))
  if (response.status === 404) return 'missing'
  if (response.status === 403) return 'hidden'
  if (response.status >= 300) throw rejection(`the settings of '${name}' could not be read`, response)
  const indices = uuidsOf(response.body)
  const [only] = indices.keys()
  if (only === undefined) return 'hidden'
  if (indices.size === 1) return { indices, write: only }
  // The filter also applies to the error of an alias that is gone, which must stay recognizable as Elasticsearch's.
  const query = { name, filter_path: 'error,status,*.aliases.*.is_write_index' }
  const aliases = await ask((client, options) => client.indices.getAlias(query, options))
  return { indices, write: aliases.status === 200 ? writeIndexOf(aliases.body, indices) : null }
}

/** The names of indices by uuid. */
function uuidsOf(body: string): ReadonlyMap<string, string> {
  const found = JSON.parse(body) as Record<string, { settings?: { index?: { uuid?: string } } }>
  const uuids = new Map<string, string>()
  for (const [index, { settings: one }] of Object.entries(found))
    if (one?.index?.uuid !== undefined) uuids.set(one.index.uuid, index)
  return uuids
}

function writeIndexOf(body: string, indices: ReadonlyMap<string, string>): string | null {
  const found = JSON.parse(body) as Record<string, { aliases?: Record<string, { is_write_index?: boolean }> }>
  for (const [uuid, index] of indices)
    if (Object.values(found[index]?.aliases ?? {}).some((alias) => alias.is_write_index === true)) return uuid
  return null
}

/** The last index of a data stream, which writes go to; null where the name is an alias. */
async function streamWriteIndex(name: string, ask: Ask): Promise<string | null> {
  const response = await ask((client, options) => client.indices.getDataStream({ name }, options))
  if (response.status !== 200) return null
  const found = JSON.parse(response.body) as {
    data_streams?: readonly { indices?: readonly { index_uuid?: string }[] }[]
  }
  return found.data_streams?.[0]?.indices?.at(-1)?.index_uuid ?? null
}

/** Groups of names that fit into the first line of a request. */
function* groupsOf<T extends readonly [name: string, ...unknown[]]>(all: readonly T[]): Generator<readonly T[]> {
  let group: T[] = []
  let length = 0
  for (const one of all) {
    const own = encodeURIComponent(one[0]).length + encodedComma.length
    if (group.length > 0 && length + own > maxNamesLength) {
      yield group
      group = []
      length = 0
    }
    group.push(one)
    length += own
  }
  if (group.length > 0) yield group
}
