import { heartbeat } from '../../protocol/messages/heartbeat.ts'
import { register, type Needs } from '../requests/register.ts'

/* Heartbeat (12), versions 0 to 4. REBALANCE_IN_PROGRESS tells the member to join again within its rebalance timeout. */

/** Serves Heartbeat. */
export const heartbeatRegistration = register(
  heartbeat,
  ({ groups }: Needs<'groups'>) =>
    ({ groupId, memberId, groupInstanceId, generationId }) => ({
      errorCode: groups.heartbeat(groupId, memberId, groupInstanceId, generationId),
    }),
)
