import { defineApi, int16, int32, string } from '../schema.ts'

/** Keeps a member in its group and tells it of rebalances. */
export const heartbeat = defineApi({
  key: 12,
  name: 'Heartbeat',
  versions: [0, 4],
  flexibleFrom: 4,
  request: {
    groupId: string(),
    generationId: int32(),
    memberId: string(),
    groupInstanceId: string({ since: 3, nullable: true, default: null }),
  },
  response: { throttleTimeMs: int32({ since: 1, default: 0 }), errorCode: int16() },
})
