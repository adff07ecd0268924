/** What a member holds while loads are levelled. */
export interface Load<Member> {
  readonly member: Member
  /** How many it has, with those that it may not lose. */
  count: number
  /** Those that it may lose, in this order. */
  readonly held: readonly { readonly connector: string; readonly key: string }[]
}

interface Move<Member> {
  readonly from: Load<Member>
  readonly to: Load<Member>
  readonly key: string
}

/**
 * Returns the keys of what members have to lose, so that none has two more than another that could have one of them. It takes
 * one at a time, from the member that has the most, for the member that has the fewest.
 * @param membersFor the members that can have what belongs to a connector
 */
export function levelledLoads<Member>(
  loads: readonly Load<Member>[],
  membersFor: (connector: string) => readonly Member[],
): readonly string[] {
  const of = new Map(loads.map((load) => [load.member, load]))
  const moved = new Set<string>()
  for (;;) {
    const move = nextMove(loads, of, membersFor, moved)
    if (move === null) return [...moved]
    move.from.count -= 1
    move.to.count += 1
    moved.add(move.key)
  }
}

function nextMove<Member>(
  loads: readonly Load<Member>[],
  of: ReadonlyMap<Member, Load<Member>>,
  membersFor: (connector: string) => readonly Member[],
  moved: ReadonlySet<string>,
): Move<Member> | null {
  for (const from of loads.toSorted((a, b) => b.count - a.count)) {
    for (const { connector, key } of from.held) {
      if (moved.has(key)) continue
      const others = membersFor(connector).flatMap((member) => of.get(member) ?? [])
      const to = others.reduce((least, load) => (load.count < least.count ? load : least), from)
      if (to.count + 1 < from.count) return { from, to, key }
    }
  }
  return null
}
