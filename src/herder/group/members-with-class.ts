/** A member, as far as it may have the class of a connector. */
export interface ClassHolder {
  readonly hasClass: (connector: string) => boolean
}

/**
 * Returns the members that have the class of a connector; each connector is looked at once. Where none has it, all are the same:
 * each would show what is missing.
 */
export function membersWithClass<Member extends ClassHolder>(
  members: readonly Member[],
): (connector: string) => readonly Member[] {
  const known = new Map<string, readonly Member[]>()
  return (connector) => {
    const before = known.get(connector)
    if (before !== undefined) return before
    const able = members.filter(({ hasClass }) => hasClass(connector))
    const found = able.length === 0 ? members : able
    known.set(connector, found)
    return found
  }
}
