import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Group } from '../../../../../src/broker/coordinator/groups/group.ts'
import type { JoinResponse, SyncResponse } from '../../../../../src/broker/coordinator/groups/group-protocol.ts'
import { errorCodes } from '../../../../../src/protocol/error-codes.ts'

type Step =
  | { readonly kind: 'join'; readonly client: number; readonly version: number; readonly metadata: number }
  | { readonly kind: 'sync' | 'leave' | 'heartbeat'; readonly client: number }
  | { readonly kind: 'time'; readonly ms: number }
  | { readonly kind: 'disk' }

const clients = 4
const client = fc.nat(clients - 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      client,
      version: fc.constantFrom(0, 4, 9),
      metadata: fc.nat(1),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constantFrom('sync' as const, 'heartbeat' as const, 'leave' as const), client }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(10, 3000, 10_000, 60_000) }),
  },
  { weight: 3, arbitrary: fc.constant({ kind: 'disk' as const }) },
)

/** Clients that do anything in any order, some of them static members, on a disk that responds late and sometimes fails. */
class Crowd {
  nowMs = 0
  readonly group = new Group('g', 0, 0)
  readonly joins: JoinResponse[] = []
  readonly syncs: SyncResponse[] = []
  asked = 0
  readonly #ids: string[] = Array.from({ length: clients }, () => '')
  readonly #waiting: (() => void)[] = []
  #stores = 0

  run(one: Step): void {
    this.#run(one)
    this.#takeWrites()
  }

  #takeWrites(): void {
    for (const write of this.group.takeWrites()) {
      this.#stores += 1
      const code = this.#stores % 5 === 0 ? errorCodes.COORDINATOR_NOT_AVAILABLE : errorCodes.NONE
      this.#waiting.push(() => {
        this.group.stored(write, code, this.nowMs)
        this.#takeWrites()
      })
    }
  }

  #run(one: Step): void {
    if (one.kind === 'time') this.passTime(one.ms)
    else if (one.kind === 'disk') this.#waiting.shift()?.()
    else if (one.kind === 'join') this.#join(one.client, one.version, one.metadata)
    else if (one.kind === 'sync') this.#sync(one.client)
    else if (one.kind === 'leave') this.group.leave(this.#ids[one.client] ?? '', instanceOf(one.client), this.nowMs)
    else this.group.heartbeat(this.#ids[one.client] ?? '', instanceOf(one.client), this.group.generationId, this.nowMs)
  }

  passTime(ms: number): void {
    this.nowMs += ms
    this.group.passTime(this.nowMs)
    this.#takeWrites()
  }

  /** No one asks any more: the disk responds, and time passes from deadline to deadline. */
  rest(): void {
    for (let i = 0; i < 100; i += 1) {
      while (this.#waiting.length > 0) this.#waiting.shift()?.()
      const next = this.group.nextDeadlineMs()
      if (next === Number.POSITIVE_INFINITY) return
      this.passTime(Math.max(next - this.nowMs, 0))
    }
  }

  #join(index: number, version: number, metadata: number): void {
    this.asked += 1
    const request = {
      memberId: this.#ids[index] ?? '',
      groupInstanceId: version === 0 ? null : instanceOf(index),
      clientId: 'c',
      clientHost: '/h',
      rebalanceTimeoutMs: 30_000,
      sessionTimeoutMs: 10_000,
      protocols: [{ name: 'p', metadata: Buffer.from([metadata]) }],
      protocolType: 'connect',
      newMemberId: `m${index}-${this.asked}`,
      requiresKnownId: version >= 4,
      canSkipAssignment: version >= 9,
    }
    this.group.join(request, this.nowMs, (answer) => {
      this.joins.push(answer)
      const isLost =
        answer.errorCode === errorCodes.UNKNOWN_MEMBER_ID || answer.errorCode === errorCodes.FENCED_INSTANCE_ID
      this.#ids[index] = isLost ? '' : answer.memberId
    })
  }

  #sync(index: number): void {
    this.asked += 1
    const names = { groupInstanceId: instanceOf(index), protocolType: null, protocolName: null }
    const memberId = this.#ids[index] ?? ''
    const assignments = [{ memberId, assignment: Buffer.from('a') }]
    const request = { memberId, generationId: this.group.generationId, assignments, ...names }
    this.group.sync(request, this.nowMs, (answer) => this.syncs.push(answer))
  }
}

/** The last of the clients is a static member. */
function instanceOf(index: number): string | null {
  return index === clients - 1 ? 'static' : null
}

describe('a group, whatever its clients do and in whatever order', () => {
  it('responds to every request once, ends empty when they are silent, and shows one leader for a generation', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const crowd = new Crowd()
        let generation = 0
        for (const one of steps) {
          crowd.run(one)
          expect(crowd.group.generationId).toBeGreaterThanOrEqual(generation)
          generation = crowd.group.generationId
          const { roster, state } = crowd.group
          if (state === 'Empty') expect(roster.isEmpty).toBe(true)
          // Without members it may still wait for those who were given an id.
          else expect(roster.isEmpty && (state !== 'PreparingRebalance' || roster.announced.size === 0)).toBe(false)
          if (!roster.isEmpty) expect(roster.members.has(roster.leaderId ?? '')).toBe(true)
        }
        crowd.rest()
        expect(crowd.joins.length + crowd.syncs.length).toBe(crowd.asked)
        expect([crowd.group.state, crowd.group.nextDeadlineMs()]).toEqual(['Empty', Number.POSITIVE_INFINITY])
        const leaders = new Map<number, Set<string>>()
        for (const { errorCode, generationId, leader, members, memberId } of crowd.joins) {
          if (errorCode !== errorCodes.NONE || members.length === 0) continue
          expect(leader).toBe(memberId)
          const known = leaders.get(generationId) ?? new Set<string>()
          leaders.set(generationId, known.add(leader.split('-')[0] ?? ''))
        }
        for (const known of leaders.values()) expect(known.size).toBe(1)
      }),
      { numRuns: 500 },
    )
  })
})
