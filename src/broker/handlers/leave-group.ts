import { errorCodes } from '../../protocol/error-codes.ts'
import { leaveGroup } from '../../protocol/messages/leave-group.ts'
import type { GroupCoordinator } from '../coordinator/groups/group-coordinator.ts'
import { defineHandler, type Handler } from '../requests/handler.ts'

/*
 * LeaveGroup (13), versions 0 to 5: one member, from version 3 several, each with an error of its own. Static members may be
 * named by their instance id alone, which is how an administrator removes them.
 */

/** Serves LeaveGroup. */
export function leaveGroupHandler(coordinator: GroupCoordinator): Handler {
  return defineHandler(leaveGroup, (request, { apiVersion }) => {
    if (request.groupId === '') return { errorCode: errorCodes.INVALID_GROUP_ID, members: [] }
    const { groupId, memberId } = request
    const leaving = apiVersion < 3 ? [{ memberId, groupInstanceId: null }] : request.members
    const codes = coordinator.leave(groupId, leaving)
    if (apiVersion < 3) return { errorCode: codes[0] ?? errorCodes.NONE, members: [] }
    const members = leaving.map(({ memberId: id, groupInstanceId }, place) => ({
      memberId: id,
      groupInstanceId,
      errorCode: codes[place] ?? errorCodes.NONE,
    }))
    return { errorCode: errorCodes.NONE, members }
  })
}
