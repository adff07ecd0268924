import { deleteGroups } from '../../protocol/messages/delete-groups.ts'
import type { GroupCoordinator } from '../coordinator/groups/group-coordinator.ts'
import { defineHandler, type Handler } from '../requests/handler.ts'

/* DeleteGroups (42), versions 0 to 2: groups without members, and their offsets. */

/** Serves DeleteGroups. */
export function deleteGroupsHandler(coordinator: GroupCoordinator): Handler {
  return defineHandler(deleteGroups, async ({ groupsNames }) => {
    const results = []
    for (const groupId of groupsNames) results.push({ groupId, errorCode: await coordinator.delete(groupId) })
    return { results }
  })
}
