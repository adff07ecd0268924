import { describe, expect, it } from 'vitest'
import {
  defaultCoordinatorConfig,
  type CoordinatorConfig,
} from '../../../../../src/broker/coordinator/coordinator-config.ts'
import { GroupCoordinator } from '../../../../../src/broker/coordinator/groups/group-coordinator.ts'
import { groupMemoryFull } from '../../../../../src/broker/coordinator/groups/group-limits.ts'
import type { JoinResponse, JoinRequest } from '../../../../../src/broker/coordinator/groups/group-protocol.ts'
import type { CoordinatorRecord } from '../../../../../src/broker/coordinator/coordinator-records.ts'
import type { StoredRecord } from '../../../../../src/broker/coordinator/offsets/offsets-topic.ts'
import { Conditions } from '../../../../../src/foundation/metrics/conditions.ts'
import { LogStreaks } from '../../../../../src/foundation/logging/log-streaks.ts'
import { errorCodes } from '../../../../../src/protocol/error-codes.ts'
import { ManualClock } from '../../../../support/manual-clock.ts'
import { quietLogger } from '../../../../support/quiet-logger.ts'
import { seededRandom } from '../../../../support/seeded-random.ts'

const mebibyte = 1024 * 1024
const { NONE, COORDINATOR_NOT_AVAILABLE, GROUP_MAX_SIZE_REACHED, INVALID_REQUEST } = errorCodes
const sessionTimeoutMs = 6000

function bench(config: Partial<CoordinatorConfig>) {
  const records: CoordinatorRecord[] = []
  const clock = new ManualClock()
  const logger = quietLogger()
  const conditions = new Conditions(logger)
  const open = () =>
    GroupCoordinator.open({
      log: {
        append: (_group, added) => {
          records.push(...added)
          return Promise.resolve()
        },
        load: (visit: (record: StoredRecord) => void) => {
          for (const [offset, record] of records.entries()) visit({ ...record, partition: 0, offset })
        },
      },
      isObsolete: () => false,
      clock,
      logger,
      streaks: new LogStreaks(clock, logger),
      conditions,
      config: { ...defaultCoordinatorConfig, ...config },
    })
  const coordinator = open()
  const join = (groupId: string, request: Partial<JoinRequest> = {}): { answer: JoinResponse | null } => {
    const result: { answer: JoinResponse | null } = { answer: null }
    const details = {
      memberId: '',
      groupInstanceId: null,
      clientId: 'client',
      clientHost: '/10.0.0.1',
      rebalanceTimeoutMs: sessionTimeoutMs,
      sessionTimeoutMs,
      protocols: [{ name: 'range', metadata: Buffer.alloc(10) }],
      protocolType: 'consumer',
      requiresKnownId: false,
      canSkipAssignment: false,
    }
    coordinator.join(groupId, { ...details, ...request }, (answer) => {
      result.answer = answer
    })
    return result
  }
  const commit = (groupId: string, metadata: string, partition = 0, clientHost = '/10.0.0.1') => {
    const committer = { clientId: 'c', clientHost, memberId: '', groupInstanceId: null, generationId: -1 }
    return coordinator.commit(groupId, committer, [{ topic: 't', partition, offset: 1, leaderEpoch: -1, metadata }])
  }
  return { clock, logger, conditions, coordinator, open, join, commit }
}

const large = (bytes: number) => ({ protocols: [{ name: 'range', metadata: Buffer.alloc(bytes) }] })

describe('a group', () => {
  it('takes group.max.size members, each of which joins again, and one more when one has left', () => {
    const { coordinator, join, logger } = bench({ maxGroupSize: 2 })
    const first = join('g').answer
    join('g')
    expect(join('g').answer).toMatchObject({ errorCode: GROUP_MAX_SIZE_REACHED, memberId: '' })
    const again = join('g', { memberId: first?.memberId ?? '' })
    expect(again.answer).toMatchObject({ errorCode: NONE, generationId: 2 })
    expect(coordinator.get('g')?.roster.members.size).toBe(2)
    expect(join('g').answer).toMatchObject({ errorCode: GROUP_MAX_SIZE_REACHED })
    expect(logger.lines.map(({ message }) => message)).toContainEqual(expect.stringMatching(/group.max.size/))
    coordinator.leave('g', [{ memberId: first?.memberId ?? '', groupInstanceId: null }])
    expect(join('g').answer?.errorCode ?? NONE).toBe(NONE)
    expect(coordinator.get('g')?.roster.members.size).toBe(2)
  })

  it('takes no list of protocols that would have to be compared for ages', () => {
    const { join } = bench({})
    const protocols = Array.from({ length: 101 }, (_, i) => ({ name: `p${i}`, metadata: Buffer.alloc(0) }))
    expect(join('g', { protocols }).answer).toMatchObject({ errorCode: INVALID_REQUEST })
    expect(join('g', { protocols: protocols.slice(1) }).answer).toMatchObject({ errorCode: NONE })
  })
})

describe('the memory of groups and offsets (I10)', () => {
  it('is bounded whatever one client lets its members say, and members that are there join again', async () => {
    const { clock, coordinator, join, conditions, logger } = bench({ maxBytes: 16 * mebibyte })
    const members = Array.from({ length: 40 }, (_, i) => join(`g${i}`, large(mebibyte)).answer)
    const refused = members.find((answer) => answer?.errorCode !== NONE)
    expect(refused?.errorCode).toBe(COORDINATOR_NOT_AVAILABLE)
    expect(coordinator.limits.usedBytes).toBeLessThan(16 * mebibyte)
    expect(conditions.standing.get(groupMemoryFull)).toMatch(/group.coordinator.max.bytes/)
    expect(logger.lines.filter(({ message }) => message.includes(groupMemoryFull)).length).toBeLessThan(6)
    const first = members[0]?.memberId ?? ''
    expect(join('g0', { ...large(mebibyte), memberId: first }).answer).toMatchObject({ errorCode: NONE })
    // What is small, and what belongs to this machine, still has a place.
    expect(join('small').answer).toMatchObject({ errorCode: NONE })
    expect(join('here', { ...large(mebibyte), clientHost: '/127.0.0.1' }).answer).toMatchObject({ errorCode: NONE })
    clock.advance(10 * sessionTimeoutMs)
    expect(conditions.standing.has(groupMemoryFull)).toBe(false)
    clock.advance(defaultCoordinatorConfig.offsetsRetentionCheckMs)
    await coordinator.expire()
    expect([...coordinator.all()]).toEqual([])
    expect(coordinator.limits.usedBytes).toBe(0)
  })

  it('is bounded whatever the number of groups', () => {
    const { coordinator, join } = bench({ maxBytes: 2 * mebibyte })
    const codes = Array.from({ length: 5000 }, (_, i) => join(`g${i}`).answer?.errorCode)
    expect(codes).toContain(COORDINATOR_NOT_AVAILABLE)
    expect(coordinator.limits.usedBytes).toBeLessThan(2 * mebibyte)
    expect(join('of this machine', { clientHost: '/127.0.0.1' }).answer).toMatchObject({ errorCode: NONE })
  })

  it('is bounded whatever is committed, and what was committed is committed again', async () => {
    const { coordinator, commit, open } = bench({ maxBytes: 2 * mebibyte })
    let refused = NONE as number
    for (let i = 0; i < 2000 && refused === NONE; i += 1) refused = await commit(`g${i}`, 'm'.repeat(4000))
    expect(refused).toBe(COORDINATOR_NOT_AVAILABLE)
    const { usedBytes } = coordinator.limits
    expect(usedBytes).toBeLessThan(2 * mebibyte)
    expect(await commit('g0', 'n'.repeat(4000))).toBe(NONE)
    const codes = await Promise.all(Array.from({ length: 30 }, (_, i) => commit('g0', '', 1 + i)))
    expect(codes).toContain(COORDINATOR_NOT_AVAILABLE)
    expect(await commit('of this machine', '', 0, '/127.0.0.1')).toBe(NONE)
    // What is stored is loaded, and counted as before.
    const { used } = { used: coordinator.limits.usedBytes }
    expect(open().limits.usedBytes).toBe(used)
  })

  it('is counted exactly in any order of what members do', async () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const random = seededRandom(seed)
      const { clock, coordinator, join, commit } = bench({})
      const below = (limit: number): number => Math.floor(random() * limit)
      const joins: { group: string; result: { answer: JoinResponse | null } }[] = []
      for (let step = 0; step < 200; step += 1) {
        const group = `g${below(4)}`
        const known = joins.length === 0 ? null : joins[below(joins.length)]
        const memberId = known?.result.answer?.memberId ?? ''
        const action = below(5)
        if (action === 0) joins.push({ group, result: join(group, large(below(5000))) })
        else if (action === 1) joins.push({ group, result: join(group, { groupInstanceId: `static-${below(3)}` }) })
        else if (action === 2) join(known?.group ?? group, { ...large(below(5000)), memberId })
        else if (action === 3) coordinator.leave(known?.group ?? group, [{ memberId, groupInstanceId: null }])
        else {
          clock.advance(below(4000))
          await commit(group, 'm'.repeat(below(100)), below(3))
        }
        const of = [...coordinator.all()].reduce((sum, { id, roster }) => sum + 2048 + id.length + roster.bytes, 0)
        expect(coordinator.limits.usedBytes, `seed ${seed}`).toBe(of + coordinator.offsets.bytes)
      }
    }
  })
})
