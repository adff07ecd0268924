import { errorCodes } from '../../protocol/error-codes.ts'
import { leaveGroup } from '../../protocol/messages/leave-group.ts'
import { register, type Needs } from '../requests/register.ts'

/*
 * LeaveGroup (13), versions 0 to 5: one member, from version 3 several, each with an error of its own. Static members may be
 * named by their instance id alone, which is how an administrator removes them.
 */

/** Serves LeaveGroup. */
export const leaveGroupRegistration = register(
  leaveGroup,
  ({ groups }: Needs<'groups'>) =>
    (request, { apiVersion }) => {
      if (request.groupId === '') return { errorCode: errorCodes.INVALID_GROUP_ID, members: [] }
      const { groupId, memberId } = request
      const leaving = apiVersion < 3 ? [{ memberId, groupInstanceId: null }] : request.members
      const codes = groups.leave(groupId, leaving)
      if (apiVersion < 3) return { errorCode: codes[0] ?? errorCodes.NONE, members: [] }
      const members = leaving.map(({ memberId: id, groupInstanceId }, place) => ({
        memberId: id,
        groupInstanceId,
        errorCode: codes[place] ?? errorCodes.NONE,
      }))
      return { errorCode: errorCodes.NONE, members }
    },
)
