import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { Assignments, SubscribedMember } from '../../src/client/group/assignors/assignor.ts'
import { cooperativeStickyAssignor } from '../../src/client/group/assignors/cooperative-sticky-assignor.ts'
import { rangeAssignor } from '../../src/client/group/assignors/range-assignor.ts'
import { roundRobinAssignor } from '../../src/client/group/assignors/round-robin-assignor.ts'
import { balanced } from '../../src/client/group/assignors/sticky-balance.ts'
import { validClaims } from '../../src/client/group/assignors/sticky-claims.ts'
import { formatTopicPartition, type TopicPartition } from '../../src/foundation/topic-partition.ts'

const topics = ['s', 't', 'u']
type Counts = ReadonlyMap<string, number>

const countsArb = fc
  .record(Object.fromEntries(topics.map((topic) => [topic, fc.integer({ min: 0, max: 9 })])))
  .map((counts): Counts => new Map(Object.entries(counts)))

/** Members that claim anything: also partitions of others, of topics that they do not want, and ones that do not exist. */
function membersArb(wanted: fc.Arbitrary<readonly string[]>): fc.Arbitrary<SubscribedMember[]> {
  const partitionArb = fc.record({ topic: fc.constantFrom(...topics, 'gone'), partition: fc.nat({ max: 10 }) })
  const memberArb = fc.record({
    topics: wanted,
    owned: fc.uniqueArray(partitionArb, { maxLength: 8, selector: formatTopicPartition }),
    generation: fc.integer({ min: -1, max: 3 }),
    instanceId: fc.constant(null),
    userData: fc.constant(null),
  })
  return fc
    .array(memberArb, { minLength: 1, maxLength: 7 })
    .map((members) => members.map((member, index) => ({ ...member, memberId: `m${index}` })))
}
const equalArb = fc.subarray(topics, { minLength: 1 }).chain((wanted) => membersArb(fc.constant(wanted)))
const anyArb = membersArb(fc.subarray(topics, { minLength: 1 }))

const namesOf = (partitions: readonly TopicPartition[]): string[] => partitions.map(formatTopicPartition).sort()
const sizesOf = (assignments: Assignments): number[] => [...assignments.values()].map(({ length }) => length)

/** The partitions that are to be assigned. */
function wantedOf(members: readonly SubscribedMember[], counts: Counts): string[] {
  const wanted = topics.filter((topic) => members.some((member) => member.topics.includes(topic)))
  return wanted
    .flatMap((topic) => Array.from({ length: counts.get(topic) ?? 0 }, (_, partition) => `${topic}-${partition}`))
    .sort()
}

function expectValid(assignments: Assignments, members: readonly SubscribedMember[], counts: Counts): void {
  expect(namesOf([...assignments.values()].flat())).toEqual(wantedOf(members, counts))
  expect([...assignments.keys()].sort()).toEqual(members.map(({ memberId }) => memberId).sort())
  for (const { memberId, topics: own } of members)
    for (const { topic } of assignments.get(memberId) ?? []) expect(own).toContain(topic)
}

/** The number of claimed partitions that stay with their claimants. */
function kept(assignments: Assignments, claims: ReadonlyMap<string, string>): number {
  const stays = [...assignments].map(([memberId, partitions]) =>
    namesOf(partitions).filter((name) => claims.get(name) === memberId),
  )
  return stays.flat().length
}

describe('every assignor', () => {
  const assignors = [rangeAssignor.assign, roundRobinAssignor.assign, balanced]

  it('assigns each partition once, to a member that subscribes to it, whatever members claim', () => {
    fc.assert(
      fc.property(anyArb, countsArb, (members, counts) => {
        for (const assign of assignors) expectValid(assign(members, counts), members, counts)
      }),
    )
  })

  it('decides the same in any order of the members', () => {
    fc.assert(
      fc.property(anyArb, countsArb, fc.nat(), (members, counts, turn) => {
        const at = turn % members.length
        const others = [...members.slice(at), ...members.slice(0, at)].toReversed()
        for (const assign of [...assignors, cooperativeStickyAssignor.assign]) {
          expect(Object.fromEntries(assign(others, counts))).toEqual(Object.fromEntries(assign(members, counts)))
        }
      }),
    )
  })
})

function claimant(memberId: string, wanted: string, owned: readonly TopicPartition[] = []): SubscribedMember {
  return { memberId, topics: wanted.split(''), owned, generation: 0, instanceId: null, userData: null }
}
/** A claimed partition moves in these, and what moves in exchange makes that superfluous. Random groups rarely have it. */
const chains: [SubscribedMember[], Counts][] = [
  [
    [
      claimant('m0', 'tu', [{ topic: 'u', partition: 0 }]),
      claimant('m1', 'u'),
      claimant(
        'm2',
        'stu',
        [0, 1].map((partition) => ({ topic: 's', partition })),
      ),
      claimant('m3', 's'),
    ],
    new Map(Object.entries({ s: 2, t: 8, u: 5 })),
  ],
  [
    [
      claimant('m0', 'stu', [{ topic: 't', partition: 0 }]),
      claimant('m1', 'st'),
      claimant('m2', 'u'),
      claimant('m3', 't'),
    ],
    new Map(Object.entries({ s: 6, t: 4, u: 7 })),
  ],
]

describe('the sticky assignors', () => {
  it('balance members that subscribe to the same topics within one partition, and move no more than that needs', () => {
    fc.assert(
      fc.property(equalArb, countsArb, (members, counts) => {
        const claims = validClaims(members, counts)
        const assignments = balanced(members, counts)
        const sizes = sizesOf(assignments)
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        const total = wantedOf(members, counts).length
        const share = Math.floor(total / members.length)
        const claimed = members.map(
          ({ memberId }) => [...claims.values()].filter((claimant) => claimant === memberId).length,
        )
        const most =
          claimed.reduce((sum, count) => sum + Math.min(count, share), 0) +
          Math.min(total % members.length, claimed.filter((count) => count > share).length)
        expect(kept(assignments, claims)).toBe(most)
      }),
    )
  })

  it('leave no partition that could move to a member with at least two fewer, or back in exchange for another', () => {
    fc.assert(
      fc.property(anyArb, countsArb, (members, counts) => {
        const claims = validClaims(members, counts)
        const assignments = balanced(members, counts)
        const topicsOf = new Map(members.map((member) => [member.memberId, new Set(member.topics)]))
        for (const [from, partitions] of assignments)
          for (const partition of partitions)
            for (const [to, others] of assignments) {
              if (to === from || topicsOf.get(to)?.has(partition.topic) !== true) continue
              expect(partitions.length - others.length).toBeLessThan(2)
              if (claims.get(formatTopicPartition(partition)) !== to) continue
              const strangers = others.filter(
                (other) =>
                  topicsOf.get(from)?.has(other.topic) === true && claims.get(formatTopicPartition(other)) !== to,
              )
              expect(strangers).toEqual([])
            }
      }),
      { examples: chains },
    )
  })

  it('give a member that joins its share and change nothing else', () => {
    fc.assert(
      fc.property(equalArb, countsArb, (members, counts) => {
        const before = balanced(members, counts)
        const settled = members.map((member) => ({
          ...member,
          owned: before.get(member.memberId) ?? [],
          generation: 9,
        }))
        expect(balanced(settled, counts)).toEqual(before)
        const joining = { ...settled[0], memberId: 'new', owned: [], generation: -1 } as SubscribedMember
        const after = balanced([...settled, joining], counts)
        for (const { memberId, owned } of settled)
          expect(namesOf(owned)).toEqual(expect.arrayContaining(namesOf(after.get(memberId) ?? [])))
        expect(after.get('new')).toHaveLength(Math.floor(wantedOf(members, counts).length / (members.length + 1)))
      }),
    )
  })

  it('count a claim only in the latest generation in which the partition is claimed, and there only if it is the only one', () => {
    fc.assert(
      fc.property(anyArb, countsArb, (members, counts) => {
        const claims = validClaims(members, counts)
        for (const name of wantedOf(members, counts)) {
          const [topic = ''] = name.split('-')
          const claimants = members.filter(
            (member) => member.topics.includes(topic) && namesOf(member.owned).includes(name),
          )
          const latest = Math.max(...claimants.map(({ generation }) => generation))
          const [first, second] = claimants.filter(({ generation }) => generation === latest)
          expect(claims.get(name)).toBe(second === undefined ? first?.memberId : undefined)
        }
      }),
    )
  })
})

/** What happens to a group before a rebalance, or in it. */
type Step =
  | { readonly kind: 'join'; readonly topics: readonly string[] }
  | { readonly kind: 'leave'; readonly at: number }
  | { readonly kind: 'subscribe'; readonly at: number; readonly topics: readonly string[] }
  | { readonly kind: 'resize'; readonly counts: Counts }
  /** The member joins, and does not learn its assignment: it keeps what it has, of an old generation. */
  | { readonly kind: 'miss'; readonly at: number }

const stepArb: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('join' as const), topics: fc.subarray(topics, { minLength: 1 }) }),
  fc.record({ kind: fc.constant('leave' as const), at: fc.nat({ max: 9 }) }),
  fc.record({
    kind: fc.constant('subscribe' as const),
    at: fc.nat({ max: 9 }),
    topics: fc.subarray(topics, { minLength: 1 }),
  }),
  fc.record({ kind: fc.constant('resize' as const), counts: countsArb }),
  fc.record({ kind: fc.constant('miss' as const), at: fc.nat({ max: 9 }) }),
)

/** A group of cooperative members, as the protocol moves it from generation to generation. */
class Group {
  members: SubscribedMember[] = []
  counts: Counts
  #generation = 0
  #names = 0

  constructor(counts: Counts) {
    this.counts = counts
  }

  apply(step: Step): void {
    const at = 'at' in step ? this.members[step.at % Math.max(1, this.members.length)] : undefined
    if (step.kind === 'join') {
      this.#names += 1
      const fresh = { instanceId: null, userData: null, owned: [], generation: -1 }
      this.members.push({ ...fresh, memberId: `m${this.#names}`, topics: step.topics })
    } else if (step.kind === 'leave') this.members = this.members.filter((member) => member !== at)
    else if (step.kind === 'subscribe')
      this.members = this.members.map((member) => (member === at ? { ...member, topics: step.topics } : member))
    else if (step.kind === 'resize') this.counts = step.counts
    this.rebalance(step.kind === 'miss' ? at : undefined)
  }

  /** Returns whether a member has revoked something, and so joins again. */
  rebalance(missing?: SubscribedMember): boolean {
    this.#generation += 1
    const assignments = cooperativeStickyAssignor.assign(this.members, this.counts)
    const kept = namesOf(this.members.flatMap(({ owned }) => owned)).length
    const before = this.members
    this.members = before.map((member) =>
      member === missing
        ? member
        : { ...member, owned: assignments.get(member.memberId) ?? [], generation: this.#generation },
    )
    const stays = before.flatMap(({ owned }, index) => {
      const now = namesOf(this.members[index]?.owned ?? [])
      return namesOf(owned).filter((name) => now.includes(name))
    })
    return stays.length < kept
  }

  /** The partitions that members read. */
  get read(): string[] {
    return namesOf(this.members.flatMap(({ owned }) => owned))
  }
}

describe('a group with the cooperative sticky assignor', () => {
  it('never has two members read one partition, and after a change all are read again after two more rebalances', () => {
    fc.assert(
      fc.property(countsArb, fc.array(stepArb, { maxLength: 20 }), (counts, steps) => {
        const group = new Group(counts)
        for (const step of steps) {
          group.apply(step)
          expect(new Set(group.read).size).toBe(group.read.length)
        }
        let rebalances = 0
        while (group.rebalance()) rebalances += 1
        expect(rebalances).toBeLessThanOrEqual(2)
        expectValid(
          new Map(group.members.map(({ memberId, owned }) => [memberId, [...owned]])),
          group.members,
          group.counts,
        )
      }),
      { numRuns: 300 },
    )
  })
})
