import { describe, expect, it } from 'vitest'
import { Group } from '../../../../../src/broker/coordinator/groups/group.ts'
import type {
  JoinResponse,
  JoinRequest,
  SyncResponse,
} from '../../../../../src/broker/coordinator/groups/group-protocol.ts'
import { errorCodes } from '../../../../../src/protocol/error-codes.ts'

const {
  NONE,
  UNKNOWN_MEMBER_ID,
  MEMBER_ID_REQUIRED,
  REBALANCE_IN_PROGRESS,
  ILLEGAL_GENERATION,
  FENCED_INSTANCE_ID,
  INCONSISTENT_GROUP_PROTOCOL,
} = errorCodes

/** A request that may wait: its answer once there is one. */
interface Pending<T> {
  answer: T | null
}

/** A group with a disk that stores immediately, or when it is told to. */
class Table {
  nowMs = 0
  readonly group: Group
  readonly stored: ReadonlyMap<string, Buffer>[] = []
  storeError: number = NONE
  held: (() => void)[] | null = null
  #ids = 0

  constructor(gatherMs = 0) {
    this.group = new Group('g', gatherMs, 0)
  }

  /** Stores what the group wants to have stored. */
  settle(): void {
    for (const write of this.group.takeWrites()) {
      this.stored.push(write.assignments)
      const tell = (): void => {
        this.group.stored(write, this.storeError, this.nowMs)
        this.settle()
      }
      if (this.held === null) tell()
      else this.held.push(tell)
    }
  }

  join(request: Partial<JoinRequest> = {}): Pending<JoinResponse> {
    if ((request.memberId ?? '') === '') this.#ids += 1
    const pending: Pending<JoinResponse> = { answer: null }
    const whole: JoinRequest = {
      memberId: '',
      groupInstanceId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      rebalanceTimeoutMs: 60_000,
      sessionTimeoutMs: 10_000,
      protocols: [{ name: 'range', metadata: Buffer.from('m') }],
      protocolType: 'consumer',
      newMemberId: `member-${this.#ids}`,
      requiresKnownId: false,
      canSkipAssignment: false,
      ...request,
    }
    this.group.join(whole, this.nowMs, (answer) => {
      pending.answer = answer
    })
    this.settle()
    return pending
  }

  sync(
    memberId: string,
    assignments: Record<string, string> = {},
    generationId = this.group.generationId,
    groupInstanceId: string | null = null,
  ): Pending<SyncResponse> {
    const pending: Pending<SyncResponse> = { answer: null }
    const given = Object.entries(assignments).map(([id, text]) => ({ memberId: id, assignment: Buffer.from(text) }))
    const names = { groupInstanceId, protocolType: null, protocolName: null }
    this.group.sync({ memberId, generationId, assignments: given, ...names }, this.nowMs, (answer) => {
      pending.answer = answer
    })
    this.settle()
    return pending
  }

  heartbeat(memberId: string, generationId = this.group.generationId): number {
    return this.group.heartbeat(memberId, null, generationId, this.nowMs)
  }

  advance(ms: number): void {
    this.nowMs += ms
    this.group.passTime(this.nowMs)
    this.settle()
  }

  /** Two members, both with an assignment; the first leads. */
  settled(): void {
    this.join()
    this.join()
    this.join({ memberId: 'member-1' })
    this.sync('member-2')
    this.sync('member-1', { 'member-1': 'one', 'member-2': 'two' })
  }
}

describe('joining', () => {
  it('makes the first member the leader of generation 1 and shows it who is there', () => {
    const table = new Table()
    expect(table.join().answer).toMatchObject({
      errorCode: NONE,
      generationId: 1,
      protocolType: 'consumer',
      protocolName: 'range',
      leader: 'member-1',
      memberId: 'member-1',
      members: [{ memberId: 'member-1', metadata: Buffer.from('m') }],
    })
    expect(table.group.state).toBe('CompletingRebalance')
  })

  it('has a member come twice where its version knows that, and forgets an id that is not taken up', () => {
    const table = new Table()
    expect(table.join({ requiresKnownId: true }).answer).toMatchObject({
      errorCode: MEMBER_ID_REQUIRED,
      memberId: 'member-1',
    })
    expect(table.join({ memberId: 'member-1', requiresKnownId: true }).answer?.generationId).toBe(1)
    table.join({ requiresKnownId: true })
    table.advance(10_000)
    expect(table.join({ memberId: 'member-3' }).answer?.errorCode).toBe(UNKNOWN_MEMBER_ID)
  })

  it('waits forevery member to come again, and tells members by their heartbeat', () => {
    const table = new Table()
    table.settled()
    expect(table.group.state).toBe('Stable')
    const third = table.join()
    expect([third.answer, table.group.state]).toEqual([null, 'PreparingRebalance'])
    expect(table.heartbeat('member-1')).toBe(REBALANCE_IN_PROGRESS)
    const first = table.join({ memberId: 'member-1' })
    const second = table.join({ memberId: 'member-2' })
    expect([first, second, third].map(({ answer }) => [answer?.generationId, answer?.members.length])).toEqual([
      [3, 3],
      [3, 0],
      [3, 0],
    ])
  })

  it('gives up members that do not come again in time, and elects another leader', () => {
    const table = new Table()
    table.settled()
    const third = table.join()
    for (let i = 0; i < 6; i += 1) {
      table.advance(9_999)
      table.heartbeat('member-1')
      table.heartbeat('member-2')
    }
    expect(third.answer).toBeNull()
    table.advance(10)
    expect(third.answer).toMatchObject({ generationId: 3, leader: 'member-3', members: [{ memberId: 'member-3' }] })
    expect(table.heartbeat('member-1')).toBe(UNKNOWN_MEMBER_ID)
  })

  it('chooses the protocol that most members like best among those all know', () => {
    const table = new Table()
    const protocols = (...names: string[]): Pick<JoinRequest, 'protocols'> => ({
      protocols: names.map((name) => ({ name, metadata: Buffer.from(name) })),
    })
    table.join(protocols('sessioned', 'compatible', 'default'))
    table.join(protocols('default', 'compatible'))
    table.join(protocols('compatible', 'default'))
    const first = table.join({ memberId: 'member-1', ...protocols('compatible', 'default') })
    expect(first.answer).toMatchObject({ generationId: 2, protocolName: 'compatible' })
    expect(table.join(protocols('other')).answer?.errorCode).toBe(INCONSISTENT_GROUP_PROTOCOL)
    expect(table.join({ protocolType: 'connect' }).answer?.errorCode).toBe(INCONSISTENT_GROUP_PROTOCOL)
    expect(new Table().join(protocols()).answer?.errorCode).toBe(INCONSISTENT_GROUP_PROTOCOL)
  })

  it('again without change leaves a stable group alone; the leader, or a change, rebalances it', () => {
    const table = new Table()
    table.settled()
    expect(table.join({ memberId: 'member-2' }).answer).toMatchObject({ errorCode: NONE, generationId: 2 })
    expect(table.group.state).toBe('Stable')
    table.join({ memberId: 'member-2', protocols: [{ name: 'range', metadata: Buffer.from('changed') }] })
    expect(table.group.state).toBe('PreparingRebalance')
    const other = new Table()
    other.settled()
    other.join({ memberId: 'member-1' })
    expect(other.group.state).toBe('PreparingRebalance')
  })

  it('responds again while assignments are awaited: the first response may be lost', () => {
    const table = new Table()
    table.join()
    expect(table.join({ memberId: 'member-1' }).answer).toMatchObject({ generationId: 1, leader: 'member-1' })
    expect(table.group.state).toBe('CompletingRebalance')
  })

  it('gathers members for the initial delay, each of which prolongs it', () => {
    const table = new Table(3000)
    const first = table.join()
    table.advance(2000)
    const second = table.join()
    table.advance(2000)
    expect([first.answer, second.answer]).toEqual([null, null])
    expect(table.group.nextDeadlineMs()).toBe(5000)
    table.advance(1000)
    expect([first.answer?.generationId, second.answer?.generationId]).toEqual([1, 1])
  })
})

describe('syncing', () => {
  it('hands out what the leader brought, empty bytes to members it left out, once it is stored', () => {
    const table = new Table()
    table.held = []
    table.join()
    table.join()
    table.join({ memberId: 'member-1' })
    const second = table.sync('member-2')
    const first = table.sync('member-1', { 'member-1': 'one' })
    expect([first.answer, second.answer, table.group.state]).toEqual([null, null, 'CompletingRebalance'])
    for (const tell of table.held.splice(0)) tell()
    expect(first.answer).toMatchObject({ errorCode: NONE, assignment: Buffer.from('one'), protocolName: 'range' })
    expect(second.answer?.assignment).toHaveLength(0)
    expect(table.group.state).toBe('Stable')
    expect(table.sync('member-1').answer?.assignment.toString()).toBe('one')
  })

  it('is refused with the error of the disk, and the members join again', () => {
    const table = new Table()
    table.storeError = errorCodes.COORDINATOR_NOT_AVAILABLE
    table.join()
    expect(table.sync('member-1').answer?.errorCode).toBe(errorCodes.COORDINATOR_NOT_AVAILABLE)
    expect(table.group.state).toBe('PreparingRebalance')
    table.storeError = NONE
    expect(table.join({ memberId: 'member-1' }).answer?.generationId).toBe(2)
    expect(table.sync('member-1').answer?.errorCode).toBe(NONE)
  })

  it('is forgotten when a rebalance began while it was stored', () => {
    const table = new Table()
    table.held = []
    table.join()
    const stale = table.sync('member-1', { 'member-1': 'old' })
    table.join()
    expect(stale.answer?.errorCode).toBe(REBALANCE_IN_PROGRESS)
    table.join({ memberId: 'member-1' })
    for (const tell of table.held.splice(0)) tell()
    expect(table.group.state).toBe('CompletingRebalance')
  })

  it('is refused to strangers, of another generation, of another kind', () => {
    const table = new Table()
    table.settled()
    expect(table.sync('unknown').answer?.errorCode).toBe(UNKNOWN_MEMBER_ID)
    expect(table.sync('member-1', {}, 1).answer?.errorCode).toBe(ILLEGAL_GENERATION)
    const request = { memberId: 'member-1', groupInstanceId: null, generationId: 2, assignments: [] }
    let errorCode = NONE as number
    table.group.sync({ ...request, protocolType: 'connect', protocolName: null }, 0, (answer) => {
      errorCode = answer.errorCode
    })
    expect(errorCode).toBe(INCONSISTENT_GROUP_PROTOCOL)
  })

  it('that never comes costs the member its place when the rebalance time is up', () => {
    const table = new Table()
    table.join({ sessionTimeoutMs: 100_000 })
    table.join({ sessionTimeoutMs: 100_000 })
    table.join({ memberId: 'member-1', sessionTimeoutMs: 100_000 })
    const waiting = table.sync('member-2')
    table.advance(60_000)
    expect(waiting.answer?.errorCode).toBe(REBALANCE_IN_PROGRESS)
    expect([...table.group.roster.members.keys()]).toEqual(['member-2'])
  })
})

describe('sessions', () => {
  it('end when nothing is heard of a member, and the others rebalance', () => {
    const table = new Table()
    table.settled()
    table.advance(9000)
    expect(table.heartbeat('member-1')).toBe(NONE)
    table.advance(1000)
    expect([...table.group.roster.members.keys()]).toEqual(['member-1'])
    expect(table.group.state).toBe('PreparingRebalance')
    table.advance(10_000)
    expect([table.group.state, table.group.generationId]).toEqual(['Empty', 3])
    expect(table.stored.at(-1)?.size).toBe(0)
    expect(table.group.nextDeadlineMs()).toBe(Number.POSITIVE_INFINITY)
  })

  it('do not run while a request of the member waits', () => {
    const table = new Table()
    table.settled()
    const third = table.join({ sessionTimeoutMs: 6000 })
    for (let i = 0; i < 5; i += 1) {
      table.advance(9000)
      table.heartbeat('member-1')
      table.heartbeat('member-2')
    }
    expect(table.group.roster.members.has('member-3')).toBe(true)
    expect(third.answer).toBeNull()
  })

  it('are prolonged by as long as the broker did not listen', () => {
    const table = new Table()
    table.settled()
    table.nowMs += 30_000
    table.group.extendDeadlines(30_000)
    table.group.passTime(table.nowMs)
    expect(table.group.roster.members.size).toBe(2)
  })

  it('know the generation', () => {
    const table = new Table()
    table.settled()
    expect(table.heartbeat('member-1', 1)).toBe(ILLEGAL_GENERATION)
    expect(table.heartbeat('unknown')).toBe(UNKNOWN_MEMBER_ID)
  })
})

describe('leaving', () => {
  it('rebalances the rest, and empties the group with the last', () => {
    const table = new Table()
    table.settled()
    expect(table.group.leave('member-1', null, 0)).toBe(NONE)
    expect(table.group.state).toBe('PreparingRebalance')
    expect(table.join({ memberId: 'member-2' }).answer).toMatchObject({ generationId: 3, leader: 'member-2' })
    expect(table.group.leave('member-2', null, 0)).toBe(NONE)
    expect(table.group.state).toBe('Empty')
    expect(table.group.leave('member-2', null, 0)).toBe(UNKNOWN_MEMBER_ID)
  })

  it('responds to what the member still waits for', () => {
    const table = new Table()
    table.settled()
    const third = table.join()
    table.group.leave('member-3', null, 0)
    expect(third.answer?.errorCode).toBe(UNKNOWN_MEMBER_ID)
  })
})

describe('a static member', () => {
  const one = { groupInstanceId: 'worker-1', protocolType: 'connect' }

  it('comes back under a new id without a rebalance, and its old self is fenced', () => {
    const table = new Table()
    table.join(one)
    table.sync('member-1', { 'member-1': 'work' }, 1, 'worker-1')
    expect(table.group.state).toBe('Stable')
    const back = table.join({ ...one, canSkipAssignment: true })
    expect(back.answer).toMatchObject({
      memberId: 'member-2',
      generationId: 1,
      leader: 'member-2',
      skipAssignment: true,
    })
    expect(table.group.state).toBe('Stable')
    expect(table.group.heartbeat('member-1', 'worker-1', 1, 0)).toBe(FENCED_INSTANCE_ID)
    expect(table.sync('member-2', {}, 1, 'worker-1').answer?.assignment.toString()).toBe('work')
  })

  it('that cannot be told to skip is shown the former leader', () => {
    const table = new Table()
    table.join(one)
    table.sync('member-1', { 'member-1': 'work' }, 1, 'worker-1')
    expect(table.join(one).answer).toMatchObject({ memberId: 'member-2', leader: 'member-1', members: [] })
  })

  it('that comes back during a rebalance waits in the place of its old self, whose request is fenced', () => {
    const table = new Table()
    table.join(one)
    const waiting = table.join({ groupInstanceId: 'worker-2', protocolType: 'connect' })
    const back = table.join({ groupInstanceId: 'worker-2', protocolType: 'connect' })
    expect(waiting.answer?.errorCode).toBe(FENCED_INSTANCE_ID)
    expect([back.answer, table.group.state]).toEqual([null, 'PreparingRebalance'])
  })

  it('leaves by its instance id alone', () => {
    const table = new Table()
    table.join(one)
    expect(table.group.leave('', 'worker-9', 0)).toBe(UNKNOWN_MEMBER_ID)
    expect(table.group.leave('', 'worker-1', 0)).toBe(NONE)
    expect(table.group.state).toBe('Empty')
  })
})

describe('commits', () => {
  it('are taken from members of the generation, and from outside while no one is in the group', () => {
    const table = new Table()
    const check = (memberId: string, generationId: number): number =>
      table.group.checkCommit(memberId, null, generationId, table.nowMs)
    expect(check('', -1)).toBe(NONE)
    table.join()
    expect(check('member-1', 1)).toBe(REBALANCE_IN_PROGRESS)
    table.sync('member-1')
    expect(check('member-1', 1)).toBe(NONE)
    expect(check('member-1', 0)).toBe(ILLEGAL_GENERATION)
    expect(check('', -1)).toBe(UNKNOWN_MEMBER_ID)
    table.join()
    expect(check('member-1', 1)).toBe(NONE)
  })
})
