import { array, defineApi, int16, int32, int64, int8, records, string, taggedStruct, uuid } from '../schema.ts'

/** Reads record batches, waiting up to `maxWaitMs` for `minBytes`. Topics go by name up to version 12, by id from 13. */
export const fetch = defineApi({
  key: 1,
  name: 'Fetch',
  versions: [4, 17],
  flexibleFrom: 12,
  request: {
    clusterId: string({ since: 12, nullable: true, tag: 0, default: null }),
    replicaId: int32({ until: 14, default: -1 }),
    replicaState: taggedStruct(
      1,
      { replicaId: int32({ default: -1 }), replicaEpoch: int64({ default: -1 }) },
      { since: 15 },
    ),
    maxWaitMs: int32(),
    minBytes: int32(),
    maxBytes: int32({ default: 0x7fffffff }),
    isolationLevel: int8({ default: 0 }),
    sessionId: int32({ since: 7, default: 0 }),
    sessionEpoch: int32({ since: 7, default: -1 }),
    topics: array({
      topic: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: array({
        partition: int32(),
        currentLeaderEpoch: int32({ since: 9, default: -1 }),
        fetchOffset: int64(),
        lastFetchedEpoch: int32({ since: 12, default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        partitionMaxBytes: int32(),
        replicaDirectoryId: uuid({ since: 17, tag: 0 }),
      }),
    }),
    forgottenTopicsData: array(
      { topic: string({ since: 7, until: 12 }), topicId: uuid({ since: 13 }), partitions: array(int32()) },
      { since: 7 },
    ),
    rackId: string({ since: 11 }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    errorCode: int16({ since: 7 }),
    sessionId: int32({ since: 7, default: 0 }),
    responses: array({
      topic: string({ until: 12 }),
      topicId: uuid({ since: 13 }),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
        highWatermark: int64(),
        lastStableOffset: int64({ default: -1 }),
        logStartOffset: int64({ since: 5, default: -1 }),
        divergingEpoch: taggedStruct(
          0,
          { epoch: int32({ default: -1 }), endOffset: int64({ default: -1 }) },
          { since: 12 },
        ),
        currentLeader: taggedStruct(
          1,
          { leaderId: int32({ default: -1 }), leaderEpoch: int32({ default: -1 }) },
          { since: 12 },
        ),
        snapshotId: taggedStruct(
          2,
          { endOffset: int64({ default: -1 }), epoch: int32({ default: -1 }) },
          { since: 12 },
        ),
        abortedTransactions: array({ producerId: int64(), firstOffset: int64() }, { nullable: true }),
        preferredReadReplica: int32({ since: 11, default: -1 }),
        records: records(),
      }),
    }),
    nodeEndpoints: array(
      { nodeId: int32(), host: string(), port: int32(), rack: string({ nullable: true, default: null }) },
      { since: 16, tag: 0, default: [] },
    ),
  },
})
