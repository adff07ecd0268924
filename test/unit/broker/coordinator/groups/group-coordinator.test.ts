import { describe, expect, it } from 'vitest'
import {
  defaultCoordinatorConfig,
  type CoordinatorConfig,
} from '../../../../../src/broker/coordinator/coordinator-config.ts'
import {
  decodeGroupValue,
  decodeKey,
  decodeOffsetValue,
  encodeGroupKey,
  encodeOffsetKey,
  encodeOffsetValue,
  type CoordinatorRecord,
} from '../../../../../src/broker/coordinator/coordinator-records.ts'
import {
  GroupCoordinator,
  type GroupCoordinatorOptions,
} from '../../../../../src/broker/coordinator/groups/group-coordinator.ts'
import type { OffsetToCommit } from '../../../../../src/broker/coordinator/offsets/committed-offsets.ts'
import type {
  JoinResponse,
  JoinRequest,
  SyncResponse,
} from '../../../../../src/broker/coordinator/groups/group-protocol.ts'
import {
  OffsetsTopic,
  partitionOfGroup,
  type CoordinatorLog,
  type StoredRecord,
} from '../../../../../src/broker/coordinator/offsets/offsets-topic.ts'
import { ProducerIds } from '../../../../../src/broker/coordinator/producer-ids.ts'
import { replaceFile } from '../../../../../src/log/disk/file-system.ts'
import { Topics } from '../../../../../src/broker/topics/topics.ts'
import { defaultLogConfig } from '../../../../../src/log/log-config.ts'
import { StorageError } from '../../../../../src/log/log-error.ts'
import { Conditions } from '../../../../../src/foundation/metrics/conditions.ts'
import { LogStreaks } from '../../../../../src/foundation/logging/log-streaks.ts'
import { errorCodes } from '../../../../../src/protocol/error-codes.ts'
import { ManualClock } from '../../../../support/manual-clock.ts'
import { MemoryFileSystem } from '../../../../support/log/memory-file-system.ts'
import { quietLogger } from '../../../../support/quiet-logger.ts'

const dayMs = 86_400_000
const { NONE } = errorCodes
const asker = { clientId: 'client', clientHost: '/127.0.0.1' }

/** Keeps records as the compacted topic would, and fails when it is told to. */
class MemoryLog implements CoordinatorLog {
  readonly records: CoordinatorRecord[] = []
  failure: Error | null = null

  append(_group: string, records: readonly CoordinatorRecord[]): Promise<void> {
    if (this.failure !== null) return Promise.reject(this.failure)
    this.records.push(...records)
    return Promise.resolve()
  }

  load(visit: (record: StoredRecord) => void): void {
    for (const [offset, { key, value }] of this.records.entries()) visit({ key, value, partition: 0, offset })
  }
}

class Bench {
  readonly log = new MemoryLog()
  readonly clock = new ManualClock()
  readonly logger = quietLogger()
  readonly conditions = new Conditions(this.logger)
  readonly config: CoordinatorConfig
  isObsolete: GroupCoordinatorOptions['isObsolete'] = () => false
  coordinator: GroupCoordinator

  constructor(config: Partial<CoordinatorConfig> = {}) {
    this.config = { ...defaultCoordinatorConfig, ...config }
    this.coordinator = this.open()
  }

  open(): GroupCoordinator {
    const { log, clock, config } = this
    const { isObsolete, logger } = this
    this.coordinator = GroupCoordinator.open({
      log,
      isObsolete,
      clock,
      logger,
      streaks: new LogStreaks(clock, logger),
      conditions: this.conditions,
      config,
    })
    return this.coordinator
  }

  join(request: Partial<JoinRequest> = {}, groupId = 'g'): Promise<JoinResponse> {
    const details = {
      memberId: '',
      groupInstanceId: null,
      clientId: 'client',
      clientHost: '/127.0.0.1',
      rebalanceTimeoutMs: 60_000,
      sessionTimeoutMs: 10_000,
      protocols: [{ name: 'range', metadata: Buffer.from('m') }],
      protocolType: 'consumer',
      requiresKnownId: false,
      canSkipAssignment: false,
    }
    return new Promise((resolve) => this.coordinator.join(groupId, { ...details, ...request }, resolve))
  }

  sync(memberId: string, generationId: number, groupId = 'g'): Promise<SyncResponse> {
    const assignments = [{ memberId, assignment: Buffer.from('work') }]
    const names = { ...asker, groupInstanceId: null, protocolType: null, protocolName: null }
    return new Promise((resolve) =>
      this.coordinator.sync(groupId, { memberId, generationId, assignments, ...names }, resolve),
    )
  }

  commit(
    offset: number,
    options: {
      readonly memberId?: string
      readonly generationId?: number
      readonly topic?: string
      readonly partition?: number
    } = {},
  ) {
    const { memberId = '', generationId = -1, topic = 'orders', partition = 0 } = options
    const one: OffsetToCommit = { topic, partition, offset, leaderEpoch: 3, metadata: 'why' }
    return this.coordinator.commit('g', { ...asker, memberId, groupInstanceId: null, generationId }, [one])
  }

  offset(topic = 'orders'): number | undefined {
    return this.coordinator.offsets.get('g', topic, 0)?.offset
  }
}

describe('offsets', () => {
  it('are there after a restart, with leader epoch, metadata and time', async () => {
    const bench = new Bench()
    await expect(bench.commit(5)).resolves.toBe(NONE)
    await bench.commit(6)
    bench.open()
    expect(bench.coordinator.offsets.get('g', 'orders', 0)).toEqual({
      offset: 6,
      leaderEpoch: 3,
      metadata: 'why',
      commitTimestampMs: bench.clock.now(),
    })
    expect(bench.coordinator.get('g')?.state).toBe('Empty')
  })

  it('are not changed when they cannot be stored, and the client is told to try again', async () => {
    const bench = new Bench()
    await bench.commit(5)
    bench.log.failure = new StorageError('the disk is full')
    await expect(bench.commit(6)).resolves.toBe(errorCodes.COORDINATOR_NOT_AVAILABLE)
    expect(bench.offset()).toBe(5)
    bench.log.failure = null
    await expect(bench.commit(6)).resolves.toBe(NONE)
  })

  it('may be negative: kafkajs commits such', async () => {
    const bench = new Bench()
    await bench.commit(-2)
    bench.open()
    expect(bench.offset()).toBe(-2)
  })

  it('of a generation are refused where there is no group', async () => {
    const bench = new Bench()
    await expect(bench.commit(1, { memberId: 'm', generationId: 4 })).resolves.toBe(errorCodes.ILLEGAL_GENERATION)
  })

  it('of an empty group go after the retention time, with the group', async () => {
    const bench = new Bench({ offsetsRetentionMs: 7 * dayMs })
    await bench.commit(5)
    await bench.commit(5, { topic: 'customers' })
    bench.clock.advance(4 * dayMs)
    await bench.commit(6)
    bench.clock.advance(3 * dayMs)
    await bench.coordinator.expire()
    expect([bench.offset(), bench.offset('customers')]).toEqual([6, undefined])
    bench.clock.advance(4 * dayMs)
    await bench.coordinator.expire()
    expect(bench.coordinator.get('g')).toBeUndefined()
    expect([...bench.open().all()]).toEqual([])
  })

  it('of a group with members stay', async () => {
    const bench = new Bench({ offsetsRetentionMs: dayMs, maxSessionTimeoutMs: 10 * dayMs })
    const { memberId, generationId } = await bench.join({ sessionTimeoutMs: 10 * dayMs })
    await bench.sync(memberId, generationId)
    await bench.commit(5, { memberId, generationId })
    bench.clock.advance(2 * dayMs)
    await bench.coordinator.expire()
    expect(bench.offset()).toBe(5)
  })

  it('of a deleted topic are forgotten', async () => {
    const bench = new Bench()
    await bench.commit(5)
    await bench.commit(5, { topic: 'customers' })
    await bench.coordinator.offsetStore.forgetTopic('orders')
    expect([bench.offset(), bench.offset('customers')]).toEqual([undefined, 5])
    bench.open()
    expect([bench.offset(), bench.offset('customers')]).toEqual([undefined, 5])
  })

  it('of a deleted topic are not given to one that is created again, whose own are kept', async () => {
    const bench = new Bench()
    await bench.commit(5)
    // Both begin before anything is on disk: the first is about the old topic, the second about the new one.
    const late = bench.commit(6)
    const forgotten = bench.coordinator.offsetStore.forgetTopic('orders')
    expect(bench.offset()).toBeUndefined()
    const fresh = bench.commit(1)
    await Promise.all([late, forgotten, fresh])
    expect(bench.offset()).toBe(1)
    bench.open()
    expect(bench.offset()).toBe(1)
  })

  it('that were committed before their topic was deleted are buried after a restart', async () => {
    const bench = new Bench()
    await bench.commit(5)
    await bench.commit(7, { partition: 1 })
    await bench.commit(1)
    bench.isObsolete = (topic, partition, offset) => topic === 'orders' && partition === 0 && offset < 2
    bench.open()
    expect([bench.offset(), bench.coordinator.offsets.get('g', 'orders', 1)]).toEqual([1, undefined])
    expect(await bench.coordinator.buryObsolete()).toBe(true)
    bench.isObsolete = () => false
    bench.open()
    expect([bench.offset(), bench.coordinator.offsets.get('g', 'orders', 1)]).toEqual([1, undefined])
  })
})

describe('a group', () => {
  it('is stable after a restart: its members continue without a rebalance', async () => {
    const bench = new Bench()
    const { memberId, generationId } = await bench.join()
    await bench.sync(memberId, generationId)
    bench.open()
    const group = bench.coordinator.get('g')
    expect([group?.state, group?.generationId, group?.roster.leaderId]).toEqual(['Stable', 1, memberId])
    expect(bench.coordinator.heartbeat('g', memberId, null, generationId)).toBe(NONE)
    expect((await bench.sync(memberId, generationId)).assignment.toString()).toBe('work')
    bench.clock.advance(10_000)
    expect(bench.coordinator.get('g')?.state).toBe('Empty')
  })

  it('comes up empty where its members died with the broker, and continues counting generations', async () => {
    const bench = new Bench({ forgetsMembersAtStart: true })
    const { memberId, generationId } = await bench.join()
    await bench.sync(memberId, generationId)
    await bench.commit(5, { memberId, generationId })
    bench.open()
    expect(bench.coordinator.get('g')?.state).toBe('Empty')
    await expect(bench.commit(6, { memberId, generationId })).resolves.toBe(errorCodes.UNKNOWN_MEMBER_ID)
    await expect(bench.join()).resolves.toMatchObject({ generationId: 2, errorCode: NONE })
    expect(bench.offset()).toBe(5)
  })

  it('loses members of which nothing is heard, by its own timer', async () => {
    const bench = new Bench()
    const { memberId, generationId } = await bench.join()
    await bench.sync(memberId, generationId)
    bench.clock.advance(9_999)
    expect(bench.coordinator.heartbeat('g', memberId, null, generationId)).toBe(NONE)
    bench.clock.advance(9_999)
    expect(bench.coordinator.get('g')?.state).toBe('Stable')
    bench.clock.advance(1)
    expect(bench.coordinator.get('g')?.state).toBe('Empty')
    expect(bench.clock.pending).toBe(0)
  })

  it('is deleted when no one is in it', async () => {
    const bench = new Bench()
    const { memberId, generationId } = await bench.join()
    await bench.sync(memberId, generationId)
    await bench.commit(5, { memberId, generationId })
    await expect(bench.coordinator.delete('g')).resolves.toBe(errorCodes.NON_EMPTY_GROUP)
    bench.coordinator.leave('g', [{ memberId, groupInstanceId: null }])
    await expect(bench.coordinator.delete('g')).resolves.toBe(NONE)
    await expect(bench.coordinator.delete('g')).resolves.toBe(errorCodes.GROUP_ID_NOT_FOUND)
    expect([...bench.open().all()]).toEqual([])
    expect(bench.offset()).toBeUndefined()
  })

  it('is not entered without a name, with a session out of bounds, or under an id of nowhere', async () => {
    const bench = new Bench()
    const errorOf = async (request: Partial<JoinRequest>, groupId?: string): Promise<number> =>
      (await bench.join(request, groupId)).errorCode
    await expect(errorOf({}, '')).resolves.toBe(errorCodes.INVALID_GROUP_ID)
    await expect(errorOf({ sessionTimeoutMs: 5999 })).resolves.toBe(errorCodes.INVALID_SESSION_TIMEOUT)
    await expect(errorOf({ memberId: 'm' })).resolves.toBe(errorCodes.UNKNOWN_MEMBER_ID)
    const stranger = { memberId: 'm', groupInstanceId: null }
    expect(bench.coordinator.leave('nowhere', [stranger])).toEqual([errorCodes.UNKNOWN_MEMBER_ID])
    expect(bench.coordinator.heartbeat('nowhere', 'm', null, 1)).toBe(errorCodes.UNKNOWN_MEMBER_ID)
  })
})

describe('what clients call themselves', () => {
  it('fits the id of a member, however long it is', async () => {
    const bench = new Bench()
    const { memberId, errorCode } = await bench.join({ clientId: 'c'.repeat(32_767), requiresKnownId: true })
    expect(errorCode).toBe(errorCodes.MEMBER_ID_REQUIRED)
    expect(memberId).toMatch(/^c{255}-[0-9a-f-]{36}$/)
  })

  it('ends neither timers nor upkeep where it does not fit a record', async () => {
    const bench = new Bench()
    const groupId = 'g'.repeat(40_000)
    const { errorCode, memberId } = await bench.join({}, groupId)
    expect([errorCode, memberId]).toEqual([NONE, expect.stringContaining('client-')])
    // Its session ends in a timer, and the empty group does not fit a record.
    bench.clock.advance(60_000)
    expect(bench.coordinator.get(groupId)?.state).toBe('Empty')
    const committer = { ...asker, memberId: '', groupInstanceId: null, generationId: -1 }
    const one = { topic: 'orders', partition: 0, offset: 1, leaderEpoch: 0, metadata: '' }
    await expect(bench.coordinator.commit(groupId, committer, [one])).resolves.toBe(
      errorCodes.COORDINATOR_NOT_AVAILABLE,
    )
    bench.clock.advance(200 * dayMs)
    await expect(bench.coordinator.expire()).resolves.toBeUndefined()
    await expect(bench.coordinator.delete(groupId)).resolves.toBe(errorCodes.COORDINATOR_NOT_AVAILABLE)
  })
})

describe('the records of __consumer_offsets', () => {
  it('have the bytes of Kafka', () => {
    const key = encodeOffsetKey('g1', 'orders', 2)
    expect(key.toString('hex')).toBe('00010002673100066f726465727300000002')
    const committed = { offset: 42, leaderEpoch: 1, metadata: 'm', commitTimestampMs: 1_700_000_000_000 }
    const value = encodeOffsetValue(committed)
    expect(value.toString('hex')).toBe('0003000000000000002a0000000100016d0000018bcfe56800')
    expect(decodeKey(key)).toEqual({ kind: 'offset', group: 'g1', topic: 'orders', partition: 2 })
    expect(decodeOffsetValue(value)).toEqual(committed)
    expect(encodeGroupKey('g1').toString('hex')).toBe('000200026731')
    expect(decodeKey(encodeGroupKey('g1'))).toEqual({ kind: 'group', group: 'g1' })
  })

  it('are read in earlier versions, and left alone in later ones', () => {
    const v1 = Buffer.from('0001000000000000002a00016d0000018bcfe568000000018bcfe56801', 'hex')
    expect(decodeOffsetValue(v1)).toMatchObject({ offset: 42, leaderEpoch: -1, metadata: 'm' })
    expect(decodeKey(Buffer.from('000300026731', 'hex'))).toBeNull()
    const v0 = Buffer.from('000000017400000005000170ffff00000000', 'hex')
    expect(decodeGroupValue(v0)).toEqual({
      protocolType: 't',
      generationId: 5,
      protocolName: 'p',
      leaderId: null,
      stateTimestampMs: 0,
      members: [],
    })
  })

  it('lie in the partition that Java computes', () => {
    expect(partitionOfGroup('connect-orders-sink', 50)).toBe(22)
    expect(partitionOfGroup('g', 50)).toBe(3)
    expect(partitionOfGroup('polygenelubricants', 50)).toBe(0)
    expect(partitionOfGroup('grüße-消费者', 50)).toBe(14)
  })

  it('survive a loss of power once the commit was acknowledged (I1)', async () => {
    const clock = new ManualClock()
    const logger = quietLogger()
    const open = async (fs: MemoryFileSystem): Promise<GroupCoordinator> => {
      fs.makeDirectory('/data')
      const topics = await Topics.open({ fs, dataDirectory: '/data', clock, logger, logDefaults: defaultLogConfig })
      const log = new OffsetsTopic(topics, clock, logger, 5)
      const said = { logger, streaks: new LogStreaks(clock, logger), conditions: new Conditions(logger) }
      return GroupCoordinator.open({ log, isObsolete: () => false, clock, ...said, config: defaultCoordinatorConfig })
    }
    const fs = new MemoryFileSystem()
    const coordinator = await open(fs)
    const outside = { ...asker, memberId: '', groupInstanceId: null, generationId: -1 }
    const one = { topic: 'orders', partition: 1, offset: 9, leaderEpoch: -1, metadata: '' }
    for (const group of ['a', 'b', 'c']) await coordinator.commit(group, outside, [one])
    const again = await open(fs.crash({ unsynced: 'forget' }))
    expect(['a', 'b', 'c'].map((group) => again.offsets.get(group, 'orders', 1)?.offset)).toEqual([9, 9, 9])
  })
})

describe('producer ids', () => {
  it('are never given out twice, whatever a crash forgets', async () => {
    let fs = new MemoryFileSystem()
    fs.makeDirectory('/data')
    const seen = new Set<number>()
    for (let round = 0; round < 4; round += 1) {
      const ids = openIds(fs)
      for (const id of await Promise.all(Array.from({ length: 700 }, () => ids.take()))) {
        expect(seen.has(id)).toBe(false)
        seen.add(id)
      }
      fs = fs.crash({ unsynced: 'forget' })
    }
    expect(seen.size).toBe(2800)
  })

  it('are refused while their block cannot be stored, and when the file does not read', async () => {
    const fs = new MemoryFileSystem()
    fs.makeDirectory('/data')
    const ids = openIds(fs)
    fs.failSyncs = ['EIO']
    await expect(ids.take()).rejects.toThrow('EIO')
    await expect(ids.take()).resolves.toBe(0)
  })

  it('continue above all others when their file is damaged anywhere, and say so', async () => {
    for (let place = 0; ; place += 1) {
      const fs = new MemoryFileSystem()
      fs.makeDirectory('/data')
      await openIds(fs).take()
      if (place === fs.contentOf('/data/producer-ids').length) break
      fs.corrupt('/data/producer-ids', place)
      const logger = quietLogger()
      const id = await openIds(fs, logger).take()
      expect(id, `byte ${place}`).toBeGreaterThan(1_000_000_000)
      expect(logger.lines).toMatchObject([{ level: 'error', fields: { path: '/data/producer-ids' } }])
      expect(await openIds(fs).take()).toBeGreaterThan(id)
    }
  })

  it('continue where a file of an earlier version ends', async () => {
    const fs = new MemoryFileSystem()
    fs.makeDirectory('/data')
    await replaceFile(fs, '/data', 'producer-ids', Buffer.from('version 0\nnext 3000\n'))
    expect(await openIds(fs).take()).toBe(3000)
  })
})

function openIds(fs: MemoryFileSystem, logger = quietLogger()): ProducerIds {
  return ProducerIds.open(fs, '/data', { clock: new ManualClock(), logger, usedIds: [] })
}
