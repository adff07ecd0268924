import { heartbeat } from '../../protocol/messages/heartbeat.ts'
import type { GroupCoordinator } from '../coordinator/groups/group-coordinator.ts'
import { defineHandler, type Handler } from '../requests/handler.ts'

/* Heartbeat (12), versions 0 to 4. REBALANCE_IN_PROGRESS tells the member to join again within its rebalance timeout. */

/** Serves Heartbeat. */
export function heartbeatHandler(coordinator: GroupCoordinator): Handler {
  return defineHandler(heartbeat, ({ groupId, memberId, groupInstanceId, generationId }) => ({
    errorCode: coordinator.heartbeat(groupId, memberId, groupInstanceId, generationId),
  }))
}
