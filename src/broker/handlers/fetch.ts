import { isolationLevelOf } from '../../protocol/isolation-level.ts'
import { deferred } from '../../foundation/async/deferred.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { fetch } from '../../protocol/messages/fetch.ts'
import { zeroUuid, type RequestOf } from '../../protocol/schema.ts'
import type { BrokerState } from '../broker-state.ts'
import { FetchPartition } from '../requests/fetch-partition.ts'
import type { ResponseMemory, RequestContext } from '../requests/handler.ts'
import { register } from '../requests/register.ts'
import { leaderEpochFault } from '../topics/leader-epoch.ts'

/*
 * Fetch (1), versions 4 to 17.
 *
 * - Responds immediately when there are `minBytes`, on any error, and for `maxWaitMs` 0. Otherwise it waits for appends until the
 *   timeout, which is at most the request timeout of clients.
 * - A response has no more records than there is memory for (I10): see ConnectionMemory.
 * - Whole batches only. The first one is returned although it is larger than the limits, so that every consumer makes progress.
 * - No fetch sessions (KIP-227): every response has session id 0 and all partitions. An incremental request fails with
 *   FETCH_SESSION_ID_NOT_FOUND, and the client sends a full one.
 * - If a request names a partition more than once, the repetition fails with INVALID_REQUEST.
 * - Topics by name up to version 12, by id from 13. Followers do not exist: replica fields are ignored.
 */

type TopicQuery = RequestOf<typeof fetch>['topics'][number]

const firstVersionWithIds = 13
const closeSessionEpoch = -1

/** The usual `request.timeout.ms` of clients. A request that waits holds memory, even if no client waits for it any more. */
const maxWaitMs = 30_000

/** A Fetch in progress: its partitions by topic, in the order of the request, and the bytes read so far. */
interface PendingFetch {
  readonly topics: readonly { readonly query: TopicQuery; readonly partitions: readonly FetchPartition[] }[]
  readonly partitions: readonly FetchPartition[]
  readonly maxBytes: number
  readonly minBytes: number
  bytes: number
  hasFailed: boolean
}

/** Serves Fetch. */
export const fetchRegistration = register(
  fetch,
  (state: BrokerState) => async (request, context) => {
    if (request.sessionId !== 0 && request.sessionEpoch !== closeSessionEpoch) {
      return { errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND, responses: [] }
    }
    const pending = begin(state, request, context)
    for (const partition of pending.partitions) readOne(pending, partition, context.memory)
    const waitMs = Math.min(request.maxWaitMs, maxWaitMs)
    if (!isComplete(pending) && waitMs > 0) await waitForMore(state, pending, waitMs, context)
    return {
      errorCode: errorCodes.NONE,
      responses: pending.topics.map(({ query, partitions }) => ({
        topic: query.topic,
        topicId: query.topicId,
        partitions: partitions.map((partition) => partition.response()),
      })),
    }
  },
  { respondsWithRecords: true },
)

function begin(
  state: BrokerState,
  request: RequestOf<typeof fetch>,
  { apiVersion: version, memory }: RequestContext,
): PendingFetch {
  const isolation = isolationLevelOf(request.isolationLevel)
  const seen = new Set<PartitionLog>()
  const topics = request.topics.map((query) => {
    const byId = version >= firstVersionWithIds
    const topic = byId ? state.topics.byId(query.topicId) : state.topics.get(query.topic)
    const unknown =
      byId && query.topicId !== zeroUuid ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    const isGone = (log: PartitionLog, index: number): boolean =>
      topic === undefined || state.topics.byId(topic.id)?.partitions[index] !== log
    const partitions = query.partitions.map((partition) => {
      const log = topic?.partitions[partition.partition] ?? null
      const errorCode = faultOf(log, partition, seen) ?? errorCodes.NONE
      const { partition: index, fetchOffset: offset, partitionMaxBytes: maxBytes } = partition
      const isOffline = topic?.partitions[partition.partition] === null
      const absent = isOffline ? errorCodes.KAFKA_STORAGE_ERROR : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
      const missing = topic === undefined ? unknown : absent
      return new FetchPartition({
        index,
        log,
        errorCode: log === null ? missing : errorCode,
        offset,
        maxBytes,
        isolation,
        isGone,
      })
    })
    return { query, partitions }
  })
  const partitions = topics.flatMap((topic) => topic.partitions)
  const maxBytes = Math.min(request.maxBytes, state.config.fetchMaxBytes, memory.room)
  return {
    topics,
    partitions,
    maxBytes,
    minBytes: Math.min(request.minBytes, maxBytes),
    bytes: 0,
    hasFailed: partitions.some((partition) => partition.hasFailed),
  }
}

/** Returns why the partition is not read; remembers that it was requested. */
function faultOf(
  log: PartitionLog | null,
  { currentLeaderEpoch }: TopicQuery['partitions'][number],
  seen: Set<PartitionLog>,
): number | null {
  if (log === null) return null
  if (seen.has(log)) return errorCodes.INVALID_REQUEST
  seen.add(log)
  return leaderEpochFault(currentLeaderEpoch)
}

function readOne(pending: PendingFetch, partition: FetchPartition, memory: ResponseMemory): void {
  const before = partition.bytes
  partition.read(Math.min(pending.maxBytes - pending.bytes, memory.room), pending.bytes === 0)
  const added = partition.bytes - before
  if (added !== 0) memory.hold(added)
  pending.bytes += added
  pending.hasFailed ||= partition.hasFailed
}

function isComplete({ partitions, minBytes, bytes, hasFailed }: PendingFetch): boolean {
  return partitions.length === 0 || hasFailed || bytes >= minBytes
}

/** Resolves when the fetch is complete, its timeout has passed, the connection has closed, or the broker stops. */
async function waitForMore(
  state: BrokerState,
  pending: PendingFetch,
  waitMs: number,
  { signal, memory }: RequestContext,
): Promise<void> {
  const done = deferred<void>()
  const finish = (): void => done.resolve()
  const cancelTimer = state.clock.after(waitMs, finish)
  const stops = pending.partitions.map((partition) =>
    partition.log?.onAdvance(() => {
      try {
        // Without memory for the new records, respond with those read so far; the client then fetches again.
        if (memory.room > 0) readOne(pending, partition, memory)
        if (memory.room <= 0 || isComplete(pending)) finish()
      } catch (error) {
        done.reject(error) // The failure of this request, not of the append that woke it.
      }
    }),
  )
  if (signal.aborted) finish()
  signal.addEventListener('abort', finish, { once: true })
  try {
    await done.promise
  } finally {
    signal.removeEventListener('abort', finish)
    cancelTimer()
    for (const stop of stops) stop?.()
  }
}
