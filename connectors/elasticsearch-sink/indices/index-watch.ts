import { RetriableError, type SinkTaskContext } from 'penstock/api'
import { continues, recreatedError, type Identity } from './index-identity.ts'
import type { Call, Cluster, Response } from '../client/cluster.ts'
import { rejection, requestWithRetry, unusableBecause } from '../client/requests.ts'
import type { Retries, Streak, Trouble } from '../client/retries.ts'

export interface IndexWatchParts {
  readonly cluster: Cluster
  readonly retries: Retries
  readonly context: Pick<SinkTaskContext, 'setCondition' | 'connector'>
  /** An alias that is gone is waited for: nothing creates an index of its name meanwhile. */
  readonly requireAlias: boolean
}

/** An identity; `missing` where there is nothing, `hidden` where it may not be read. */
type Found = Identity | 'missing' | 'hidden'
type Ask = (call: Call) => Promise<Response>

const uuidsOnly = { filter_path: '*.settings.index.uuid' }
// A look is made again at the next commit. It must not hold up a rebalance or the end of the task.
const lookMs = 5000
// Nodes take 4096 bytes for the first line of a request, unless they are told otherwise.
const maxNamesLength = 3000
const encodedComma = '%2C'

/**
 * Knows by their uuids the indices that the task writes to. An index that is deleted under a running task is created by
 * Elasticsearch at its next write, with a guessed mapping and without what was indexed before; no option of a request
 * prevents that. So nothing is committed before a look has found the same indices as before the writes: what
 * was acknowledged is in them then. An item that is the first of a shard makes a look at once.
 */
export class IndexWatch {
  readonly #parts: IndexWatchParts
  /** By the name that is written to; null where nothing was found under it, or nothing may be read. */
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

  /** To be called before the first write to a name. @throws ConnectError when Elasticsearch refuses to say. */
  async remember(name: string, signal: AbortSignal): Promise<void> {
    const { cluster, retries } = this.#parts
    this.#note(name, await find(name, (call) => requestWithRetry(cluster, retries, signal, call)))
  }

  /** Operations were applied, to whatever bears the name by now. */
  wrote(): void {
    this.#written = true
  }

  /** Looks at these names at once, if that is possible. @throws ConnectError ES_INDEX_RECREATED. */
  async suspect(names: ReadonlySet<string>, signal: AbortSignal): Promise<void> {
    const ask = this.#askOnce(signal)
    try {
      for (const name of names) if (this.#known.has(name)) await this.#examine(name, ask)
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error
    }
  }

  /**
   * To be called before offsets of applied operations are committed.
   * @throws RetriableError when it cannot be seen, ConnectError ES_INDEX_RECREATED.
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
      // With nothing to commit there is nothing to wait for.
      if (!written) return
      this.#written = true
      this.#streak.failed({ code, reason: `offsets are not committed meanwhile: ${reason}` })
      throw error
    }
  }

  /** The names that need a look of their own: what plain indices have is asked in few requests. */
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
    const found = await find(name, ask)
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
    // What may not be read for a while is not forgotten.
    this.#known.set(name, typeof found === 'string' ? (this.#known.get(name) ?? null) : found)
    this.#parts.context.setCondition(
      'ES_INDEX_UNWATCHED',
      this.#hidden.size === 0
        ? null
        : `Elasticsearch does not tell this user the uuid of ${[...this.#hidden]
            .slice(0, 5)
            .map((one) => `'${one}'`)
            .join(
              ', ',
            )}: that an index was deleted or replaced would not be seen. Grant the privilege view_index_metadata`,
    )
  }

  /** One attempt, of bounded time. */
  #askOnce(signal: AbortSignal): Ask {
    const { cluster } = this.#parts
    return async (call) => {
      const bound = AbortSignal.timeout(lookMs)
      try {
        const response = await cluster.request(call, AbortSignal.any([signal, bound]))
        const trouble = unusableBecause(response)
        if (trouble !== null) throw new TroubleError(trouble)
        return response
      } catch (error) {
        if (signal.aborted || error !== bound.reason) throw error
        throw new RetriableError(`the indices were not read within ${lookMs} ms`, { cause: error })
      }
    }
  }
}

/** A look that did not succeed. */
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
  const query = { name, filter_path: '*.aliases.*.is_write_index' }
  const aliases = await ask((client, options) => client.indices.getAlias(query, options))
  return { indices, write: aliases.status === 200 ? writeIndexOf(aliases.body, indices) : null }
}

/** By uuid the index. */
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

/** Runs of names that fit into the first line of a request. */
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
