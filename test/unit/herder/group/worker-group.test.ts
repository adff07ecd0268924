import { describe, expect, it } from 'vitest'

import { systemClock } from '../../../../src/foundation/clock.ts'
import { Conditions } from '../../../../src/foundation/metrics/conditions.ts'
import { deferred } from '../../../../src/foundation/async/deferred.ts'
import { keysOf, nothingAssigned, without, type ConnectorsAndTasks } from '../../../../src/herder/group/assignment.ts'
import { decodeMetadata } from '../../../../src/herder/group/group-protocol.ts'
import {
  WorkerGroup,
  type AppliedMembership,
  type Membership,
  type WorkerGroupOptions,
} from '../../../../src/herder/group/worker-group.ts'
import type { KafkaClient } from '../../../../src/client/kafka-client.ts'
import { brokerWithClients } from '../../../contract/broker-with-clients.ts'
import { describeGroup, removeMembers } from '../../../support/broker/cluster-tools.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { untilPasses } from '../../../support/until.ts'

const work: ConnectorsAndTasks = {
  connectors: ['a'],
  tasks: [
    { connector: 'a', task: 0 },
    { connector: 'a', task: 1 },
  ],
}

const kafka = brokerWithClients()

type WorkerSettings = Partial<Pick<WorkerGroupOptions, 'clock' | 'protocol' | 'maxDelayMs'>>

/** Everything that these workers run. */
function together(...workers: readonly Worker[]): readonly string[] {
  return workers.flatMap(({ last }) => sorted(last?.work ?? nothingAssigned)).toSorted()
}

function sorted(held: ConnectorsAndTasks): readonly string[] {
  return [...keysOf(held)].toSorted()
}

/** A worker that only takes part in its group. */
class Worker {
  readonly memberships: Membership[] = []
  readonly logger = quietLogger()
  snapshot = { offset: 10, work }
  /** How far reading the config topic to its end brings this worker. */
  endOffset = 10
  catchUps = 0
  /** Memberships so far, the one that is being taken up included. */
  given = 0
  offered: readonly { readonly name: string; readonly metadata: Buffer }[] = []
  /** Called with each membership, before it is taken up. */
  onMembership: (membership: Membership) => Promise<void> = async () => undefined
  /** What stops. */
  stopping = nothingAssigned
  readonly url: string
  /** What was done to it: by how many milliseconds it was extended, or its end. */
  readonly leases: (number | 'end')[] = []
  readonly lease = { extend: (ms: number) => void this.leases.push(ms), end: () => void this.leases.push('end') }
  readonly conditions = new Conditions(this.logger)
  /** Its connector classes. */
  classes: readonly string[] = ['A']
  /** Asks another worker for its classes. */
  listClasses: (url: string) => Promise<readonly string[]> = async () => ['A']
  /** When what was revoked has stopped. */
  released: Promise<void> = Promise.resolve()
  readonly group: WorkerGroup

  constructor(client: KafkaClient, groupId: string, url: string, settings: WorkerSettings = {}) {
    const times = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, heartbeatIntervalMs: 50 }
    this.url = url
    this.group = new WorkerGroup(
      (member) => {
        this.offered = member.protocols()
        return client.groupMember({ groupId, protocolType: 'connect', ...times, ...member })
      },
      {
        url,
        clock: systemClock,
        logger: this.logger,
        lease: this.lease,
        conditions: this.conditions,
        configTopic: 'configs',
        classOf: () => ({ names: ['A'], isHere: this.classes.includes('A') }),
        listClasses: async (of) => await this.listClasses(of),
        protocol: 'sessioned',
        maxDelayMs: 0,
        ...settings,
        snapshot: () => this.snapshot,
        stopping: () => this.stopping,
        catchUp: async () => {
          this.catchUps += 1
          this.snapshot = { ...this.snapshot, offset: Math.max(this.snapshot.offset, this.endOffset) }
        },
        onMembership: async (membership): Promise<AppliedMembership> => {
          this.given += 1
          await this.onMembership(membership)
          this.memberships.push(membership)
          return { released: this.released }
        },
      },
    )
  }

  get last(): Membership | undefined {
    return this.memberships.at(-1)
  }
}

async function made() {
  const groupId = kafka.clients.name('workers')
  const worker = async (url: string, settings?: WorkerSettings) =>
    new Worker(await kafka.clients.connect(), groupId, url, settings)
  const members = async () => (await describeGroup(kafka.broker.bootstrap, groupId)).memberIds
  const state = async () => (await describeGroup(kafka.broker.bootstrap, groupId)).state
  const removeAll = async (): Promise<void> => await removeMembers(kafka.broker.bootstrap, groupId)
  return { worker, members, state, removeAll }
}

describe('a worker in its group', () => {
  it('is the leader and runs everything when it is alone, and leaves the group when it is closed', async () => {
    const { worker, members } = await made()
    const one = await worker('http://one/')
    one.group.start()
    await untilPasses(() => expect(one.last).toMatchObject({ isLeader: true, leaderUrl: 'http://one/', work }))
    expect(one.last?.generation).toBeGreaterThanOrEqual(0)
    expect(await members()).toHaveLength(1)
    await one.group.close()
    expect(await members()).toEqual([])
  })

  it('does not rebalance again for what is not configured any more, and still stops', async () => {
    const { worker } = await made()
    const one = await worker('http://one/')
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    one.stopping = work
    one.snapshot = { offset: 11, work: nothingAssigned }
    one.group.checkConfigured()
    await untilPasses(() => expect(one.last?.work).toEqual(nothingAssigned))
    const [memberships, heartbeats] = [one.memberships.length, one.leases.length]
    await untilPasses(() => expect(one.leases.length).toBeGreaterThan(heartbeats + 5))
    expect(one.memberships).toHaveLength(memberships)
    await one.group.close()
  })

  it('stops its work before it rejoins after it lost its membership, as other members may have been assigned it (I3)', async () => {
    const { worker, members, removeAll } = await made()
    const one = await worker('http://one/')
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    const gate = deferred<void>()
    const given: Membership[] = []
    one.onMembership = async (membership) => {
      given.push(membership)
      if (membership.generation < 0) await gate.promise
    }
    await removeAll()
    await untilPasses(() =>
      expect(given).toEqual([
        { generation: -1, isLeader: false, leaderUrl: null, isSigned: false, work: nothingAssigned },
      ]),
    )
    expect(await members()).toEqual([])
    gate.resolve()
    await untilPasses(() => expect(given.map(({ work: { tasks } }) => tasks.length)).toEqual([0, 2]))
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    await one.group.close()
  })

  it('stops its work also when it is removed while it waits for other members to join (I3)', async () => {
    const { worker, state, removeAll } = await made()
    const [one, two] = [await worker('http://one/'), await worker('http://two/')]
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    const gate = deferred<void>()
    two.onMembership = async () => await gate.promise
    two.group.start()
    await untilPasses(() => expect(two.given).toBe(1))
    const before = one.memberships.length
    one.snapshot = { offset: 11, work: { ...work, tasks: [] } }
    one.group.checkConfigured()
    await untilPasses(async () => expect(await state()).toBe('PreparingRebalance'))
    await removeAll()
    await untilPasses(() => expect(one.memberships.length).toBeGreaterThan(before))
    expect(one.memberships[before]).toMatchObject({ generation: -1, work: nothingAssigned })
    gate.resolve()
    await two.group.close()
    await one.group.close()
  })

  it('shares the work with another worker, whose half the other takes over when it leaves', async () => {
    const { worker } = await made()
    const [one, two] = [await worker('http://one/'), await worker('http://two/')]
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    two.group.start()
    await untilPasses(() => expect(two.last?.work.tasks).toHaveLength(1))
    expect(two.last).toMatchObject({ isLeader: false, leaderUrl: 'http://one/' })
    await untilPasses(() => expect(together(one, two)).toEqual(sorted(work)))
    await one.group.close()
    await untilPasses(() => expect(two.last).toMatchObject({ isLeader: true }))
    await untilPasses(() => expect(together(two)).toEqual(sorted(work)))
    await two.group.close()
  })

  it('gives a task to another worker only after it has stopped (I3)', async () => {
    const { worker } = await made()
    const [one, two] = [await worker('http://one/'), await worker('http://two/')]
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    const gate = deferred<void>()
    one.released = gate.promise
    one.onMembership = async (membership) => {
      const kept = new Set(keysOf(membership.work))
      one.stopping = kept.size === 0 ? nothingAssigned : without(work, kept)
    }
    two.group.start()
    await untilPasses(() => expect(one.stopping.tasks).toHaveLength(1))
    // Other rebalances do not change this: what stops is reported.
    const { given } = two
    const three = await worker('http://three/')
    three.group.start()
    await untilPasses(() => expect(two.given).toBeGreaterThan(given))
    const others = (): readonly Membership[] => [...two.memberships, ...three.memberships]
    expect(others().flatMap(({ work: { tasks } }) => tasks)).toEqual([])
    one.onMembership = async () => undefined
    one.stopping = nothingAssigned
    gate.resolve()
    await untilPasses(() => expect(together(one, two, three)).toEqual(sorted(work)))
    for (const { group } of [three, two, one]) await group.close()
  })

  it('knows as the leader where everything runs', async () => {
    const { worker } = await made()
    const [one, two] = [await worker('http://one/'), await worker('http://two/')]
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    two.group.start()
    await untilPasses(() => expect(together(one, two)).toEqual(sorted(work)))
    await untilPasses(() => expect(two.last?.work.tasks).toHaveLength(1))
    for (const member of [one, two]) {
      const { url } = member
      for (const id of member.last?.work.tasks ?? []) expect(one.group.ownerOfTask(id)).toBe(url)
      for (const name of member.last?.work.connectors ?? []) expect(one.group.ownerOfConnector(name)).toBe(url)
    }
    expect(one.group.ownerOfConnector('unknown')).toBeNull()
    expect(two.group.ownerOfConnector('a')).toBeNull()
    await two.group.close()
    await one.group.close()
  })

  it('waits for the end of the tasks of a connector on the other workers', async () => {
    const { worker } = await made()
    const [one, two] = [await worker('http://one/'), await worker('http://two/')]
    one.group.start()
    two.group.start()
    await untilPasses(() => expect([one, two].map((at) => at.last?.work.tasks.length)).toEqual([1, 1]))
    await untilPasses(() => expect(together(one, two)).toEqual(sorted(work)))
    const [leader, follower] = one.last?.isLeader === true ? [one, two] : [two, one]
    const stopped = { offset: 11, work: { connectors: ['a'], tasks: [] } }
    const ends = follower.last?.work ?? nothingAssigned
    follower.stopping = { connectors: [], tasks: ends.tasks }
    for (const member of [leader, follower]) member.snapshot = stopped
    let isReleased = false
    const released = leader.group.released('a').then(() => (isReleased = true))
    const { given } = leader
    await untilPasses(() => expect(leader.given).toBeGreaterThan(given + 1))
    expect(isReleased).toBe(false)
    follower.stopping = nothingAssigned
    await released
    await two.group.close()
    await one.group.close()
  })

  it('leaves the work of a worker that has gone to its successor, within scheduled.rebalance.max.delay.ms', async () => {
    const { worker } = await made()
    const settings = { maxDelayMs: 600_000 }
    const one = await worker('http://one/', settings)
    const two = await worker('http://two/', settings)
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    two.group.start()
    await untilPasses(() => expect(two.last?.work.tasks).toHaveLength(1))
    const left = two.last?.work
    const kept = one.last?.work
    const { given } = one
    await two.group.close()
    await untilPasses(() => expect(one.given).toBeGreaterThan(given))
    expect(one.last?.work).toEqual(kept)
    const successor = await worker('http://two/', settings)
    successor.group.start()
    await untilPasses(() => expect(successor.last?.work).toEqual(left))
    await successor.group.close()
    await one.group.close()
  })

  it('assigns the work of a worker that has gone once scheduled.rebalance.max.delay.ms has passed', async () => {
    const { worker } = await made()
    const [one, two] = [
      await worker('http://one/', { maxDelayMs: 300 }),
      await worker('http://two/', { maxDelayMs: 300 }),
    ]
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    two.group.start()
    await untilPasses(() => expect(two.last?.work.tasks).toHaveLength(1))
    await two.group.close()
    await untilPasses(() => expect(together(one)).toEqual(sorted(work)))
    await one.group.close()
  })

  it('stops everything before each rebalance of the eager protocol', async () => {
    const { worker } = await made()
    const eager = { protocol: 'default' as const }
    const [one, two] = [await worker('http://one/', eager), await worker('http://two/', eager)]
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    two.group.start()
    await untilPasses(() => expect(two.last?.work.tasks).toHaveLength(1))
    await untilPasses(() => expect(together(one, two)).toEqual(sorted(work)))
    const works = one.memberships.map((membership) => membership.work.tasks.length)
    expect(works.slice(-2)).toEqual([0, one.last?.work.tasks.length])
    await two.group.close()
    await untilPasses(() => expect(together(one)).toEqual(sorted(work)))
    await one.group.close()
  })

  it('does not apply an assignment of a leader that has read further in the config topic (I4)', async () => {
    const { worker } = await made()
    const [one, two] = [await worker('http://one/'), await worker('http://two/')]
    two.snapshot = { offset: 5, work }
    two.endOffset = 7
    const behind: number[] = []
    two.onMembership = async () => {
      if (two.snapshot.offset < 10) behind.push(two.snapshot.offset)
    }
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    two.group.start()
    await untilPasses(() => expect(two.catchUps).toBeGreaterThan(2))
    expect(two.memberships).toEqual([])
    expect(two.conditions.standing.get('CONFIG_TOPIC_MISMATCH')).toMatch(
      /^the config topic configs ends at offset 7, but another worker of the group has read to offset 10\. .*restart that worker$/v,
    )
    expect(two.logger.lines.map(({ message }) => message).join()).toMatch(/not applied, .* \(this worker: 7\)/)
    two.endOffset = 10
    await untilPasses(() => expect(two.last?.leaderUrl).toBe('http://one/'))
    expect(behind).toEqual([])
    for (const { conditions } of [one, two]) expect(conditions.standing.size).toBe(0)
    await two.group.close()
    await one.group.close()
  })

  it('assigns nothing as the leader before it has read the config topic as far as the other members (I4)', async () => {
    const { worker } = await made()
    const [one, two] = [await worker('http://one/'), await worker('http://two/')]
    one.snapshot = { offset: 3, work: nothingAssigned }
    one.endOffset = 3
    one.group.start()
    await untilPasses(() => expect(one.last).toMatchObject({ isLeader: true, work: nothingAssigned }))
    two.group.start()
    await untilPasses(() => expect(one.catchUps).toBeGreaterThan(2))
    expect([...one.memberships, ...two.memberships].filter(({ work: { tasks } }) => tasks.length > 0)).toEqual([])
    expect(one.conditions.standing.get('CONFIG_TOPIC_MISMATCH')).toContain('ends at offset 3,')
    one.endOffset = 10
    one.snapshot = { offset: 3, work }
    await untilPasses(() => expect(together(one, two)).toEqual(sorted(work)))
    await untilPasses(() => expect(two.last?.leaderUrl).toBe('http://one/'))
    await two.group.close()
    await one.group.close()
  })

  it('waits longer each time before it joins again while it cannot read as far as another member', async () => {
    const { worker, members } = await made()
    const clock = new ManualClock()
    const [one, two] = [await worker('http://one/'), await worker('http://two/', { clock })]
    two.snapshot = { offset: 5, work: nothingAssigned }
    two.endOffset = 5
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    two.group.start()
    for (const attempt of [1, 2, 3, 4, 5, 6, 7, 8, 9]) {
      await untilPasses(() => expect([two.catchUps, clock.pending]).toEqual([attempt, 1]))
      // At least half of the back-off.
      clock.advance(Math.min(10_000, 100 * 2 ** (attempt - 1)) / 2 - 1)
      expect(await members()).toHaveLength(2)
      expect([two.catchUps, clock.pending]).toEqual([attempt, 1])
      clock.advance(10_000)
    }
    await two.group.close()
    await one.group.close()
  })

  it('names what it is assigned and its config topic does not hold', async () => {
    const { worker } = await made()
    const [one, two] = [await worker('http://one/'), await worker('http://two/')]
    two.snapshot = { offset: 10, work: { connectors: ['other'], tasks: [] } }
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    two.group.start()
    const text = 'the config topic configs holds nothing of a up to offset 10, but the leader of the group assigned it'
    await untilPasses(() => expect(two.conditions.standing.get('CONFIG_TOPIC_MISMATCH')).toContain(text))
    two.snapshot = { offset: 11, work }
    one.snapshot = { offset: 11, work }
    two.group.checkConfigured()
    await untilPasses(() => expect(two.conditions.standing.size).toBe(0))
    await two.group.close()
    await one.group.close()
  })

  it('assigns nothing to a member that lacks its class', async () => {
    const { worker } = await made()
    const [one, two] = [await worker('http://one/'), await worker('http://two/')]
    one.classes = []
    one.listClasses = async (url) => (url === 'http://two/' ? ['A'] : [])
    one.group.start()
    // Where no member has the class, each would show what is missing.
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    two.group.start()
    await untilPasses(() => expect([together(one), together(two)]).toEqual([[], sorted(work)]))
    expect(one.last?.isLeader).toBe(true)
    await two.group.close()
    await one.group.close()
  })

  it('moves what it has assigned once it learns that the member lacks its class', async () => {
    const { worker } = await made()
    const [one, two] = [await worker('http://one/'), await worker('http://two/')]
    let asked = 0
    const isServing = deferred<void>()
    one.listClasses = async () => {
      asked += 1
      if (asked === 1) throw new Error('connect ECONNREFUSED')
      await isServing.promise
      return []
    }
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    two.group.start()
    await untilPasses(() => expect(two.last?.work.tasks).toHaveLength(1))
    isServing.resolve()
    await untilPasses(() => expect([together(one), together(two)]).toEqual([sorted(work), []]))
    await two.group.close()
    await one.group.close()
  })

  it('stops what is no longer configured, in a rebalance that it requested', async () => {
    const { worker } = await made()
    const one = await worker('http://one/')
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    const less = { connectors: ['a'], tasks: [{ connector: 'a', task: 0 }] }
    one.snapshot = { offset: 11, work: less }
    one.group.checkConfigured()
    await untilPasses(() => expect(one.last?.work).toEqual(less))
    await one.group.close()
  })

  it('retries after a rebalance that failed, and logs it', async () => {
    const { worker } = await made()
    const one = await worker('http://one/')
    let failures = 1
    one.onMembership = async () => {
      failures -= 1
      if (failures >= 0) throw new RangeError('no room')
    }
    one.group.start()
    await untilPasses(() => expect(one.logger.lines.map(({ message }) => message).join()).toContain('no room'))
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    await one.group.close()
  })

  it('waits for a second before it retries a rebalance that failed', async () => {
    const { worker, members } = await made()
    const clock = new ManualClock()
    const one = await worker('http://one/', { clock })
    let fails = true
    one.onMembership = async () => {
      if (fails) throw new RangeError('no room')
    }
    one.group.start()
    await untilPasses(() => expect(clock.pending).toBe(1))
    clock.advance(999)
    for (let i = 0; i < 20; i += 1) await members()
    expect(one.given).toBe(1)
    fails = false
    clock.advance(1)
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    await one.group.close()
  })

  it('leaves the group once the assignment in progress is applied, not before', async () => {
    const { worker, members } = await made()
    const one = await worker('http://one/')
    const gate = deferred<void>()
    one.onMembership = async () => await gate.promise
    one.group.start()
    await untilPasses(async () => expect(await members()).toHaveLength(1))
    await untilPasses(() => expect(one.given).toBe(1))
    const closed = one.group.close()
    for (let i = 0; i < 20; i += 1) expect(await members()).toHaveLength(1)
    gate.resolve()
    await closed
    expect(await members()).toEqual([])
  })

  it('offers the protocols of Kafka Connect with their versions, the one with sessions first', async () => {
    const { worker } = await made()
    const { offered } = await worker('http://one/')
    expect(offered.map(({ name, metadata }) => [name, decodeMetadata(metadata).version])).toEqual([
      ['sessioned', 2],
      ['compatible', 1],
      ['default', 0],
    ])
  })
})
