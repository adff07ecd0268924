import { heartbeat } from '../../protocol/messages/heartbeat.ts'
import { register, type Needs } from '../requests/register.ts'

/* Heartbeat (12), versions 0 to 4. On REBALANCE_IN_PROGRESS the member joins again within its rebalance timeout. */

/** Serves Heartbeat. */
export const heartbeatRegistration = register(
  heartbeat,
  ({ groups }: Needs<'groups'>) =>
    ({ groupId, memberId, groupInstanceId, generationId }) => ({
      errorCode: groups.heartbeat(groupId, memberId, groupInstanceId, generationId),
    }),
)
