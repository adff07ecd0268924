import { errorCodes } from '../../protocol/error-codes.ts'
import { syncGroup } from '../../protocol/messages/sync-group.ts'
import { refusedSync } from '../coordinator/groups/group-protocol.ts'
import { parkedRequest } from '../coordinator/groups/parked-request.ts'
import { register, type Needs } from '../requests/register.ts'

/*
 * SyncGroup (14), versions 0 to 5: answered when the leader has brought the assignments and they are stored.
 *
 * A consumer that the leader left out gets an assignment without partitions instead of no bytes, which some clients cannot read.
 */

/** Version 0, no topics, no user data. */
const emptyConsumerAssignment = Buffer.from('000000000000ffffffff', 'hex')

/** Serves SyncGroup. */
export const syncGroupRegistration = register(
  syncGroup,
  ({ groups }: Needs<'groups'>) =>
    async (request, { clientId, clientHost, signal }) => {
      const gone = refusedSync(errorCodes.COORDINATOR_NOT_AVAILABLE)
      const answer = await parkedRequest(signal, gone, (reply) =>
        groups.sync(request.groupId, { ...request, clientId: clientId ?? '', clientHost }, reply),
      )
      const isLeftOut = answer.protocolType === 'consumer' && answer.assignment.length === 0
      return isLeftOut ? { ...answer, assignment: emptyConsumerAssignment } : answer
    },
)
