import { deferred } from '../../foundation/deferred.ts'
import type { Isolation, PartitionLog } from '../../log/partition-log.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { fetch } from '../../protocol/messages/fetch.ts'
import { zeroUuid, type RequestOf } from '../../protocol/schema.ts'
import type { BrokerState } from '../broker-state.ts'
import { FetchPartition } from '../fetch-partition.ts'
import { defineHandler, type Handler, type RequestContext } from '../handler.ts'
import { leaderEpochFault } from '../leader-epoch.ts'
import type { Topic } from '../topics.ts'

/*
 * Fetch (1), versions 4 to 17.
 *
 * - Answers at once when there are `minBytes`, at any error, and for `maxWaitMs` 0; else waits for appends until the time is up.
 * - Whole batches only. The first one comes even when it is larger than the limits, so that every consumer gets on.
 * - Sessions are declined: session id 0 in every answer, all partitions in every answer. An incremental request names a session
 *   that never was: FETCH_SESSION_ID_NOT_FOUND, and the client sends a full one.
 * - Topics by name up to version 12, by id from 13. Followers do not exist: replica fields are ignored.
 */

type TopicQuery = RequestOf<typeof fetch>['topics'][number]

const firstVersionWithIds = 13
const closeSessionEpoch = -1

/** A fetch under way: its partitions under their topics, in the order of the request. */
interface FetchUnderWay {
  readonly topics: readonly { readonly query: TopicQuery; readonly partitions: readonly FetchPartition[] }[]
  readonly partitions: readonly FetchPartition[]
  readonly maxBytes: number
  readonly minBytes: number
}

/** Serves Fetch. */
export function fetchHandler(state: BrokerState): Handler {
  return defineHandler(fetch, async (request, context) => {
    if (request.sessionId !== 0 && request.sessionEpoch !== closeSessionEpoch) {
      return { errorCode: errorCodes.FETCH_SESSION_ID_NOT_FOUND, responses: [] }
    }
    const underWay = begin(state, request, context.apiVersion)
    readAll(state, underWay)
    if (!isComplete(underWay) && request.maxWaitMs > 0) await waitForMore(state, underWay, request.maxWaitMs, context)
    return {
      errorCode: errorCodes.NONE,
      responses: underWay.topics.map(({ query, partitions }) => ({
        topic: query.topic,
        topicId: query.topicId,
        partitions: partitions.map((partition) => partition.answer()),
      })),
    }
  })
}

function begin(state: BrokerState, request: RequestOf<typeof fetch>, version: number): FetchUnderWay {
  const isolation: Isolation = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
  const topics = request.topics.map((query) => {
    const byId = version >= firstVersionWithIds
    const topic = byId ? state.topics.byId(query.topicId) : state.topics.get(query.topic)
    const unknown =
      byId && query.topicId !== zeroUuid ? errorCodes.UNKNOWN_TOPIC_ID : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
    return { query, partitions: query.partitions.map((partition) => partitionOf(topic, partition, isolation, unknown)) }
  })
  return {
    topics,
    partitions: topics.flatMap(({ partitions }) => partitions),
    maxBytes: Math.min(request.maxBytes, state.config.fetchMaxBytes),
    minBytes: Math.min(request.minBytes, request.maxBytes, state.config.fetchMaxBytes),
  }
}

function partitionOf(
  topic: Topic | undefined,
  query: TopicQuery['partitions'][number],
  isolation: Isolation,
  unknownTopic: number,
): FetchPartition {
  const log = topic?.partitions[query.partition] ?? null
  const missing = topic === undefined ? unknownTopic : errorCodes.UNKNOWN_TOPIC_OR_PARTITION
  const errorCode = log === null ? missing : (leaderEpochFault(query.currentLeaderEpoch) ?? errorCodes.NONE)
  return new FetchPartition({
    index: query.partition,
    log,
    errorCode,
    offset: query.fetchOffset,
    maxBytes: query.partitionMaxBytes,
    isolation,
  })
}

function readAll(state: BrokerState, underWay: FetchUnderWay): void {
  for (const partition of underWay.partitions) readOne(state, underWay, partition)
}

function readOne(state: BrokerState, underWay: FetchUnderWay, partition: FetchPartition): void {
  const bytes = bytesOf(underWay)
  partition.read(underWay.maxBytes - bytes, bytes === 0, (log) => !isServed(state, log))
}

function bytesOf({ partitions }: FetchUnderWay): number {
  return partitions.reduce((sum, partition) => sum + partition.bytes, 0)
}

function isServed(state: BrokerState, log: PartitionLog): boolean {
  for (const topic of state.topics.all()) if (topic.partitions.includes(log)) return true
  return false
}

function isComplete(underWay: FetchUnderWay): boolean {
  const { partitions, minBytes } = underWay
  return partitions.length === 0 || partitions.some((partition) => partition.hasFailed) || bytesOf(underWay) >= minBytes
}

/** Resolves when the fetch is complete, its time is up, the connection is gone, or the broker stops. */
async function waitForMore(
  state: BrokerState,
  underWay: FetchUnderWay,
  maxWaitMs: number,
  { signal }: RequestContext,
): Promise<void> {
  const done = deferred<void>()
  const finish = (): void => done.resolve()
  const cancelTimer = state.clock.after(maxWaitMs, finish)
  const stops = underWay.partitions.map((partition) =>
    partition.log?.onAdvance(() => {
      try {
        readOne(state, underWay, partition)
        if (isComplete(underWay)) finish()
      } catch (error) {
        done.reject(error) // It is this request's failure, not that of the append that woke it.
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
