import { verifiedBatch } from '../../log/batch-check.ts'
import { LogError, RejectedBatchError, type RecordFault } from '../../log/log-error.ts'
import type { Appended } from '../../log/partition-log.ts'
import { errorCodes, errorName } from '../../protocol/error-codes.ts'
import { produce } from '../../protocol/messages/produce.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import type { BatchHeader } from '../../protocol/record-batch/record-batch.ts'
import type { RequestOf, ResponseValue } from '../../protocol/schema.ts'
import type { BrokerState } from '../broker-state.ts'
import type { RequestContext } from '../requests/handler.ts'
import { register } from '../requests/register.ts'
import { offlineText } from '../topics/partition-logs.ts'
import { TopicError } from '../topics/topic-error.ts'

/*
 * Produce (0), versions 3 to 11; 0 to 11 are listed, because librdkafka 2.0 disables gzip and snappy otherwise.
 *
 * - Appends start in the order of the requests and share syncs of the disk. A response is sent after the sync (I1), so acks 1 and
 *   acks all give the same guarantee. acks 0 has no response; a failure closes the connection.
 * - The first fault, in this order, is the error of a partition: acks; topic and partition; not exactly one intact batch; a codec
 *   that the version does not have; a transactional batch; what the partition log checks: size, header, records, and epoch and
 *   sequence of an idempotent producer.
 * - A batch with invalid records is rejected as a whole. From version 8 the response lists them, so that the producer can retry
 *   the others (KIP-467).
 * - Topics are never created here.
 */

type PartitionResponse = ResponseValue<typeof produce>['responses'][number]['partitionResponses'][number]
type PartitionData = RequestOf<typeof produce>['topicData'][number]['partitionData'][number]

const adminClientId = '__admin_client'
const firstVersionWithZstd = 7

/** Serves Produce. */
export const produceRegistration = register(
  produce,
  (state: BrokerState) => async (request, context) => {
    const acksAreValid = request.acks >= -1 && request.acks <= 1
    // All appends start before the first is awaited, so that the order in the log is that of the requests.
    const topics = request.topicData.map(({ name, partitionData }) => ({
      name,
      appends: partitionData.map((data) =>
        acksAreValid
          ? append(state, name, data, context)
          : Promise.resolve(refused(data.index, errorCodes.INVALID_REQUIRED_ACKS)),
      ),
    }))
    const responses = []
    for (const { name, appends } of topics) responses.push({ name, partitionResponses: await Promise.all(appends) })
    if (request.acks !== 0) return { responses }
    refuseSilently(responses)
    return null
  },
  { advertised: [0, 11], overlaps: true, carriesRecords: true },
)

async function append(
  state: BrokerState,
  topic: string,
  data: PartitionData,
  context: Pick<RequestContext, 'apiVersion' | 'clientId' | 'clientHost'>,
): Promise<PartitionResponse> {
  const { index } = data
  try {
    const appended = await startAppend(state, topic, data, context)
    return {
      index,
      errorCode: errorCodes.NONE,
      baseOffset: appended.baseOffset,
      logAppendTimeMs: appended.logAppendTime,
      logStartOffset: appended.logStartOffset,
    }
  } catch (error) {
    state.topics.writeFailed(error)
    if (error instanceof RejectedBatchError) return refused(index, error.errorCode, error.message, error.records)
    if (error instanceof LogError || error instanceof TopicError) return refused(index, error.errorCode, error.message)
    const fields = { topic, partition: index, error: String(error) }
    state.streaks.log('error', { kind: 'append', client: context.clientHost }, 'an append failed', fields)
    return refused(index, errorCodes.UNKNOWN_SERVER_ERROR)
  }
}

function startAppend(
  state: BrokerState,
  topicName: string,
  { index, records }: PartitionData,
  { apiVersion, clientId }: { readonly apiVersion: number; readonly clientId: string | null },
): Promise<Appended> {
  const topic = state.topics.get(topicName)
  const log = topic?.partitions[index]
  if (topic === undefined || log === undefined) {
    throw new TopicError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `There is no partition ${topicName}-${index}.`)
  }
  if (log === null) throw new TopicError(errorCodes.KAFKA_STORAGE_ERROR, offlineText(topicName, index))
  if (topic.isInternal && clientId !== adminClientId) {
    throw new TopicError(errorCodes.INVALID_TOPIC_EXCEPTION, `${topicName} is written by the broker only.`)
  }
  if (records === null || records.length === 0)
    throw new TopicError(errorCodes.INVALID_RECORD, 'There is no record batch.')
  const batch = verifiedBatch(records)
  checkAttributes(batch.header, apiVersion)
  return log.append(batch)
}

/** Checks what depends on the version of the request, and on this broker. The partition log knows neither. */
function checkAttributes({ codec, isTransactional }: BatchHeader, apiVersion: number): void {
  if (codec === 'zstd' && apiVersion < firstVersionWithZstd) {
    throw new TopicError(errorCodes.UNSUPPORTED_COMPRESSION_TYPE, 'zstd needs Produce v7.')
  }
  if (isTransactional) {
    throw new TopicError(errorCodes.INVALID_TXN_STATE, 'Transactions are not served by the embedded broker.')
  }
}

function refused(
  index: number,
  errorCode: number,
  errorMessage: string | null = null,
  records: readonly RecordFault[] = [],
): PartitionResponse {
  const recordErrors = records.map(({ batchIndex, message }) => ({ batchIndex, batchIndexErrorMessage: message }))
  return { index, errorCode, baseOffset: -1, recordErrors, errorMessage }
}

function refuseSilently(responses: readonly { readonly partitionResponses: readonly PartitionResponse[] }[]): void {
  const failed = responses
    .flatMap(({ partitionResponses }) => partitionResponses)
    .find(({ errorCode }) => errorCode !== 0)
  if (failed !== undefined) throw new ProtocolError(`a Produce with acks 0 failed: ${errorName(failed.errorCode)}`)
}
