import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { systemClock, type Clock } from '../../../../src/foundation/clock.ts'
import { deferred } from '../../../../src/foundation/async/deferred.ts'
import { nothingAssigned, type ConnectorsAndTasks } from '../../../../src/herder/group/assignment.ts'
import { sameWork } from '../../../../src/herder/group/assignor.ts'
import { decodeMetadata } from '../../../../src/herder/group/group-protocol.ts'
import { WorkerGroup, type Membership } from '../../../../src/herder/group/worker-group.ts'
import type { KafkaClient } from '../../../../src/client/kafka-client.ts'
import { ClientHarness } from '../../../contract/client-harness.ts'
import { BrokerHarness } from '../../../support/broker/broker-harness.ts'
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

let broker: BrokerHarness
let clients: ClientHarness
beforeAll(async () => {
  broker = await BrokerHarness.start()
  clients = new ClientHarness(broker.bootstrap)
})
afterAll(async () => {
  await clients.close()
  await broker.close()
})

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
  readonly group: WorkerGroup

  constructor(client: KafkaClient, groupId: string, url: string, clock: Clock = systemClock) {
    const times = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, heartbeatIntervalMs: 50 }
    this.group = new WorkerGroup(
      (member) => {
        this.offered = member.protocols()
        return client.groupMember({ groupId, protocolType: 'connect', ...times, ...member })
      },
      {
        url,
        clock,
        logger: this.logger,
        snapshot: () => this.snapshot,
        catchUp: async () => {
          this.catchUps += 1
          this.snapshot = { ...this.snapshot, offset: Math.max(this.snapshot.offset, this.endOffset) }
        },
        onMembership: async (membership) => {
          this.given += 1
          await this.onMembership(membership)
          this.memberships.push(membership)
          // As the herder does.
          if (membership.isLeader && !sameWork(membership.work, this.snapshot.work))
            this.group.requestRebalance('the configured work has changed')
        },
      },
    )
  }

  get last(): Membership | undefined {
    return this.memberships.at(-1)
  }
}

async function made() {
  const groupId = clients.name('workers')
  const worker = async (url: string, clock?: Clock) => new Worker(await clients.connect(), groupId, url, clock)
  const members = async () => (await describeGroup(broker.bootstrap, groupId)).memberIds
  const removeAll = async (): Promise<void> => await removeMembers(broker.bootstrap, groupId)
  return { worker, members, removeAll }
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
      expect(given).toEqual([{ generation: -1, isLeader: false, leaderUrl: null, work: nothingAssigned }]),
    )
    expect(await members()).toEqual([])
    gate.resolve()
    await untilPasses(() => expect(given.map(({ work: { tasks } }) => tasks.length)).toEqual([0, 2]))
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    await one.group.close()
  })

  it('is a standby worker beside a leader, and takes over everything when the leader leaves', async () => {
    const { worker } = await made()
    const [one, two] = [await worker('http://one/'), await worker('http://two/')]
    one.group.start()
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    two.group.start()
    await untilPasses(() =>
      expect(two.last).toMatchObject({ isLeader: false, leaderUrl: 'http://one/', work: nothingAssigned }),
    )
    expect(one.last?.work).toEqual(work)
    await one.group.close()
    await untilPasses(() => expect(two.last).toMatchObject({ isLeader: true, work }))
    await two.group.close()
  })

  it('does not apply an assignment of a leader that has read further in the config topic (I4)', async () => {
    const { worker } = await made()
    const [one, two] = [await worker('http://one/'), await worker('http://two/')]
    two.snapshot = { offset: 5, work: nothingAssigned }
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
    two.endOffset = 10
    await untilPasses(() => expect(two.last?.leaderUrl).toBe('http://one/'))
    expect(behind).toEqual([])
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
    one.endOffset = 10
    one.snapshot = { offset: 3, work }
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    await untilPasses(() => expect(two.last?.leaderUrl).toBe('http://one/'))
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
    one.group.requestRebalance('a task is gone')
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
    one.group.requestRebalance('the test says so')
    await untilPasses(() => expect(one.last?.work).toEqual(work))
    await one.group.close()
  })

  it('waits for a second before it retries a rebalance that failed', async () => {
    const { worker, members } = await made()
    const clock = new ManualClock()
    const one = await worker('http://one/', clock)
    let fails = true
    one.onMembership = async () => {
      if (fails) throw new RangeError('no room')
    }
    one.group.start()
    await untilPasses(() => expect(clock.pending).toBe(1))
    one.group.requestRebalance('the test says so')
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
    ])
  })
})
