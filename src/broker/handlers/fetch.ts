import type { IsolationLevel } from '../../protocol/isolation-level.ts'
import { deferred } from '../../foundation/async/deferred.ts'
import type { PartitionLog } from '../../log/partition-log.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { fetch } from '../../protocol/messages/fetch.ts'
import { zeroUuid, type RequestOf } from '../../protocol/schema.ts'
import type { BrokerState } from '../broker-state.ts'
import { FetchPartition } from '../requests/fetch-partition.ts'
import type { AnswerMemory, RequestContext } from '../requests/handler.ts'
import { register } from '../requests/register.ts'
import { leaderEpochFault } from '../topics/leader-epoch.ts'

/*
 * Fetch (1), versions 4 to 17.
 *
 * - Answers at once when there are `minBytes`, at any error, and for `maxWaitMs` 0; else waits for appends until the time is up.
 * - A client that is to wait longer than a client waits for any answer is answered after that time: it asks again.
 * - An answer has no more records than there is memory for, whatever the request asks for: see ConnectionMemory.
 * - Whole batches only. The first one comes even when it is larger than the limits, so that every consumer gets on.
 * - Sessions are declined: session id 0 in every answer, all partitions in every answer. An incremental request names a session
 *   that never was: FETCH_SESSION_ID_NOT_FOUND, and the client sends a full one.
 * - A partition that a request names again is refused there: INVALID_REQUEST.
 * - Topics by name up to version 12, by id from 13. Followers do not exist: replica fields are ignored.
 */

type TopicQuery = RequestOf<typeof fetch>['topics'][number]

const firstVersionWithIds = 13
const closeSessionEpoch = -1

/** `request.timeout.ms` of clients. Until then a request that waits holds memory, whoever still listens to it. */
const maxWaitMs = 30_000

/** A fetch under way: its partitions under their topics, in the order of the request. What they hold in all is kept count of. */
interface FetchUnderWay {
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
    const underWay = begin(state, request, context)
    for (const partition of underWay.partitions) readOne(underWay, partition, context.memory)
    const waitMs = Math.min(request.maxWaitMs, maxWaitMs)
    if (!isComplete(underWay) && waitMs > 0) await waitForMore(state, underWay, waitMs, context)
    return {
      errorCode: errorCodes.NONE,
      responses: underWay.topics.map(({ query, partitions }) => ({
        topic: query.topic,
        topicId: query.topicId,
        partitions: partitions.map((partition) => partition.answer()),
      })),
    }
  },
  { answersRecords: true },
)

function begin(
  state: BrokerState,
  request: RequestOf<typeof fetch>,
  { apiVersion: version, memory }: RequestContext,
): FetchUnderWay {
  const isolation: IsolationLevel = request.isolationLevel === 1 ? 'read_committed' : 'read_uncommitted'
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

/** Why the partition is not read; notes that it was asked for. */
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

function readOne(underWay: FetchUnderWay, partition: FetchPartition, memory: AnswerMemory): void {
  const before = partition.bytes
  partition.read(Math.min(underWay.maxBytes - underWay.bytes, memory.room), underWay.bytes === 0)
  const added = partition.bytes - before
  if (added !== 0) memory.hold(added)
  underWay.bytes += added
  underWay.hasFailed ||= partition.hasFailed
}

function isComplete({ partitions, minBytes, bytes, hasFailed }: FetchUnderWay): boolean {
  return partitions.length === 0 || hasFailed || bytes >= minBytes
}

/** Resolves when the fetch is complete, its time is up, the connection is gone, or the broker stops. */
async function waitForMore(
  state: BrokerState,
  underWay: FetchUnderWay,
  waitMs: number,
  { signal, memory }: RequestContext,
): Promise<void> {
  const done = deferred<void>()
  const finish = (): void => done.resolve()
  const cancelTimer = state.clock.after(waitMs, finish)
  const stops = underWay.partitions.map((partition) =>
    partition.log?.onAdvance(() => {
      try {
        // Without memory for what came, what is there is answered: the client asks again, and waits its turn.
        if (memory.room > 0) readOne(underWay, partition, memory)
        if (memory.room <= 0 || isComplete(underWay)) finish()
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
