import { errorCodes } from '../../protocol/error-codes.ts'
import { leaveGroup } from '../../protocol/messages/leave-group.ts'
import type { GroupCoordinator } from '../coordinator/group-coordinator.ts'
import { defineHandler, type Handler } from '../handler.ts'

/*
 * LeaveGroup (13), versions 0 to 5: one member, from version 3 several, each with an error of its own. Static members may be
 * named by their instance id alone, which is how an administrator removes them.
 */

/** Serves LeaveGroup. */
export function leaveGroupHandler(coordinator: GroupCoordinator): Handler {
  return defineHandler(leaveGroup, (request, { apiVersion }) => {
    if (request.groupId === '') return { errorCode: errorCodes.INVALID_GROUP_ID, members: [] }
    if (apiVersion < 3) return { errorCode: coordinator.leave(request.groupId, request.memberId, null), members: [] }
    const members = request.members.map(({ memberId, groupInstanceId }) => ({
      memberId,
      groupInstanceId,
      errorCode: coordinator.leave(request.groupId, memberId, groupInstanceId),
    }))
    return { errorCode: errorCodes.NONE, members }
  })
}
