import { deleteGroups } from '../../protocol/messages/delete-groups.ts'
import { register, type Needs } from '../requests/register.ts'

/* DeleteGroups (42), versions 0 to 2: groups without members, and their offsets. */

/** Serves DeleteGroups. */
export const deleteGroupsRegistration = register(
  deleteGroups,
  ({ groups }: Needs<'groups'>) =>
    async ({ groupsNames }) => {
      const results = []
      for (const groupId of groupsNames) results.push({ groupId, errorCode: await groups.delete(groupId) })
      return { results }
    },
)
