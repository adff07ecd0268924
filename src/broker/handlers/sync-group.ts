import { errorCodes } from '../../protocol/error-codes.ts'
import { syncGroup } from '../../protocol/messages/sync-group.ts'
import { refusedSync } from '../coordinator/groups/group-protocol.ts'
import { parkedRequest } from '../coordinator/groups/parked-request.ts'
import { register, type Needs } from '../requests/register.ts'

/*
 * SyncGroup (14), versions 0 to 5. The response is sent when the assignments of the leader are durable (I1).
 *
 * A consumer without an assignment receives one without partitions instead of no bytes, which some clients cannot read.
 */

/** Version 0, no topics, no user data. */
const emptyConsumerAssignment = Buffer.from('000000000000ffffffff', 'hex')

/** Serves SyncGroup. */
export const syncGroupRegistration = register(
  syncGroup,
  ({ groups }: Needs<'groups'>) =>
    async (request, { clientId, clientHost, signal }) => {
      const gone = refusedSync(errorCodes.COORDINATOR_NOT_AVAILABLE)
      const response = await parkedRequest(signal, gone, (reply) =>
        groups.sync(request.groupId, { ...request, clientId: clientId ?? '', clientHost }, reply),
      )
      const isLeftOut = response.protocolType === 'consumer' && response.assignment.length === 0
      return isLeftOut ? { ...response, assignment: emptyConsumerAssignment } : response
    },
)
