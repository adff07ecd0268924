import { errorCodes } from '../../protocol/error-codes.ts'
import { describeGroups } from '../../protocol/messages/describe-groups.ts'
import type { ResponseValue } from '../../protocol/schema.ts'
import { authorizedOperations, operationsNotAsked } from '../requests/authorized-operations.ts'
import type { GroupCoordinator } from '../coordinator/groups/group-coordinator.ts'
import { register, type Needs } from '../requests/register.ts'

/*
 * DescribeGroups (15), versions 0 to 5. An unknown group is `Dead`, without an error. Metadata, assignments and the name of the
 * protocol are those of the generation, so they are returned while the group is stable. A group that is named more than once
 * is returned once.
 */

type GroupResponse = ResponseValue<typeof describeGroups>['groups'][number]

const noBytes = Buffer.alloc(0)

/** Serves DescribeGroups. */
export const describeGroupsRegistration = register(describeGroups, ({ groups }: Needs<'groups'>) => (request) => ({
  groups: Array.from(new Set(request.groups), (groupId) => ({
    ...describe(groups, groupId),
    authorizedOperations: request.includeAuthorizedOperations ? authorizedOperations.group : operationsNotAsked,
  })),
}))

function describe(coordinator: GroupCoordinator, groupId: string): GroupResponse {
  const group = coordinator.get(groupId)
  const errorCode = errorCodes.NONE
  if (group === undefined) {
    return { errorCode, groupId, groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
  }
  const isStable = group.state === 'Stable'
  return {
    errorCode,
    groupId,
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: isStable ? (group.protocolName ?? '') : '',
    members: group.roster.all().map((member) => ({
      memberId: member.id,
      groupInstanceId: member.details.groupInstanceId,
      clientId: member.details.clientId,
      clientHost: member.details.clientHost,
      memberMetadata: isStable ? member.metadataFor(group.protocolName) : noBytes,
      memberAssignment: isStable ? member.assignment : noBytes,
    })),
  }
}
