import { errorCodes } from '../../protocol/error-codes.ts'
import { listGroups } from '../../protocol/messages/list-groups.ts'
import { register, type Needs } from '../requests/register.ts'

/* ListGroups (16), versions 0 to 5. Filters by state (v4) and type (v5) ignore case; all groups are `classic`. */

const groupType = 'classic'

/** Serves ListGroups. */
export const listGroupsRegistration = register(
  listGroups,
  ({ groups }: Needs<'groups'>) =>
    ({ statesFilter, typesFilter }) => {
      const listed = Array.from(groups.all(), (group) => ({
        groupId: group.id,
        protocolType: group.protocolType ?? '',
        groupState: group.state,
        groupType,
      })).filter(({ groupState }) => admits(statesFilter, groupState) && admits(typesFilter, groupType))
      return { errorCode: errorCodes.NONE, groups: listed }
    },
)

function admits(filter: readonly string[], value: string): boolean {
  return filter.length === 0 || filter.some((wanted) => wanted.toLowerCase() === value.toLowerCase())
}
