import { errorCodes } from '../../protocol/error-codes.ts'
import { joinGroup } from '../../protocol/messages/join-group.ts'
import { refusedJoin } from '../coordinator/groups/group-protocol.ts'
import { parkedRequest } from '../coordinator/groups/parked-request.ts'
import { register, type Needs } from '../requests/register.ts'

/*
 * JoinGroup (11), versions 0 to 9. The response is sent when the rebalance ends, see Group.
 *
 * - v0: the session timeout is the rebalance timeout too. v4: a member without an id comes twice (MEMBER_ID_REQUIRED).
 * - v5: static members. v7: the protocol's name may be null, before it is empty then. v9: `skipAssignment`.
 */

/** Serves JoinGroup. */
export const joinGroupRegistration = register(
  joinGroup,
  ({ groups }: Needs<'groups'>) =>
    async (request, { apiVersion, clientId, clientHost, signal }) => {
      const { groupId, sessionTimeoutMs, rebalanceTimeoutMs } = request
      const details = {
        memberId: request.memberId,
        groupInstanceId: request.groupInstanceId,
        clientId: clientId ?? '',
        clientHost,
        sessionTimeoutMs,
        rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
        protocols: request.protocols,
        protocolType: request.protocolType,
        requiresKnownId: apiVersion >= 4,
        canSkipAssignment: apiVersion >= 9,
      }
      const gone = refusedJoin(errorCodes.COORDINATOR_NOT_AVAILABLE, request.memberId)
      const response = await parkedRequest(signal, gone, (reply) => groups.join(groupId, details, reply))
      return { ...response, protocolName: response.protocolName ?? (apiVersion < 7 ? '' : null) }
    },
)
