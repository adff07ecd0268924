import { array, defineApi, int16, int32, int64, records, string, taggedStruct } from '../schema.ts'

/**
 * Appends record batches. `acks` 0 has no response at all. One batch per partition entry. Versions 0 to 2 carried older
 * record formats and are not spoken; brokers still list 0 as their minimum, because librdkafka 2.0 looks for it.
 */
export const produce = defineApi({
  key: 0,
  name: 'Produce',
  versions: [3, 11],
  flexibleFrom: 9,
  request: {
    transactionalId: string({ nullable: true, default: null }),
    acks: int16(),
    timeoutMs: int32(),
    topicData: array({ name: string(), partitionData: array({ index: int32(), records: records() }) }),
  },
  response: {
    responses: array({
      name: string(),
      partitionResponses: array({
        index: int32(),
        errorCode: int16(),
        baseOffset: int64(),
        logAppendTimeMs: int64({ default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        recordErrors: array(
          { batchIndex: int32(), batchIndexErrorMessage: string({ nullable: true, default: null }) },
          { since: 8 },
        ),
        errorMessage: string({ since: 8, nullable: true, default: null }),
        currentLeader: taggedStruct(
          0,
          { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
          { since: 10 },
        ),
      }),
    }),
    throttleTimeMs: int32({ default: 0 }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: true, default: null }) },
      { since: 10, tag: 0, default: [] },
    ),
  },
})
