import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  applyDelta,
  keysOf,
  nothingAssigned,
  type ConnectorsAndTasks,
} from '../../../../src/herder/group/assignment.ts'
import {
  assignCooperatively,
  noRebalance,
  type GroupWorker,
  type LastRebalance,
} from '../../../../src/herder/group/cooperative-assignor.ts'

const tasksOf = (connector: string, count: number): ConnectorsAndTasks['tasks'] =>
  Array.from({ length: count }, (_, task) => ({ connector, task }))
const some = (names: Readonly<Record<string, number>>): ConnectorsAndTasks => ({
  connectors: Object.keys(names),
  tasks: Object.entries(names).flatMap(([name, count]) => tasksOf(name, count)),
})

/** A group whose members run at once what they are assigned, and have stopped what is revoked before the next rebalance. */
class Group {
  readonly held = new Map<string, ConnectorsAndTasks>()
  configured: ConnectorsAndTasks = nothingAssigned
  nowMs = 0
  maxDelayMs = 0
  /** The connectors whose class a member lacks. */
  readonly lacks = new Map<string, ReadonlySet<string>>()
  #last: LastRebalance = noRebalance

  rebalance(): { delayMs: number; isRevoking: boolean } {
    const members: GroupWorker[] = [...this.held].map(([memberId, held]) => ({
      memberId,
      held,
      hasClass: (connector) => this.hasClass(memberId, connector),
    }))
    const { deltas, delayMs, next } = assignCooperatively({
      members,
      configured: this.configured,
      last: this.#last,
      nowMs: this.nowMs,
      maxDelayMs: this.maxDelayMs,
    })
    this.#last = next
    for (const [id, delta] of deltas) this.held.set(id, applyDelta(this.held.get(id) ?? nothingAssigned, delta))
    return { delayMs, isRevoking: [...deltas.values()].some(({ revoked }) => keysOf(revoked).size > 0) }
  }

  hasClass(memberId: string, connector: string): boolean {
    return this.lacks.get(memberId)?.has(connector) !== true
  }

  /** Rebalances until nothing is revoked; returns the rebalances. */
  settle(): number {
    for (let count = 1; ; count += 1) if (!this.rebalance().isRevoking) return count
  }

  join(...ids: string[]): void {
    for (const id of ids) this.held.set(id, nothingAssigned)
  }

  /** Numbers of tasks per member, in the order of their ids. */
  get loads(): readonly number[] {
    return [...this.held].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, { tasks }]) => tasks.length)
  }
}

function groupOf(names: Readonly<Record<string, number>>, ...ids: string[]): Group {
  const group = new Group()
  group.configured = some(names)
  group.join(...ids)
  group.settle()
  return group
}

/** A member has the class of what it runs, if any has, and no member that has it runs two fewer. */
function checkPlace(
  group: Group,
  member: string,
  connector: string,
  loadOf: (held: ConnectorsAndTasks) => number,
): void {
  const able = [...group.held.keys()].filter((id) => group.hasClass(id, connector))
  const others = able.length === 0 ? [...group.held.keys()] : able
  expect(others).toContain(member)
  const load = (id: string): number => loadOf(group.held.get(id) ?? nothingAssigned)
  for (const other of others) expect(load(member) - load(other)).toBeLessThan(2)
}

describe('the cooperative assignor', () => {
  it('spreads connectors and tasks over the members', () => {
    const group = groupOf({ a: 4, b: 4, c: 1 }, 'm1', 'm2', 'm3')
    expect(group.loads).toEqual([3, 3, 3])
    expect([...group.held.values()].map(({ connectors }) => connectors.length)).toEqual([1, 1, 1])
  })

  it('spreads the tasks of one connector', () => {
    const group = groupOf({ a: 6, b: 6 }, 'm1')
    group.join('m2', 'm3')
    group.settle()
    for (const { tasks } of group.held.values())
      expect(tasks.filter(({ connector }) => connector === 'a')).toHaveLength(2)
  })

  it('moves no more than a new member has to have', () => {
    const group = groupOf({ a: 9 }, 'm1', 'm2')
    const before = new Map(group.held)
    group.join('m3')
    expect(group.settle()).toBe(2)
    expect(group.loads).toEqual([3, 3, 3])
    for (const [id, { tasks }] of before) {
      const now = keysOf(group.held.get(id) ?? nothingAssigned)
      expect(tasks.filter(({ task }) => now.has(`t a-${task}`))).toHaveLength(3)
    }
  })

  it('gives what a member ran to the others when it is gone', () => {
    const group = groupOf({ a: 9 }, 'm1', 'm2', 'm3')
    group.held.delete('m2')
    expect(group.settle()).toBe(1)
    expect(group.loads.reduce((sum, load) => sum + load)).toBe(9)
  })

  it('lets what a lost member ran wait for its return, and gives it to the member that comes instead', () => {
    const group = groupOf({ a: 6 }, 'm1', 'm2')
    group.maxDelayMs = 1000
    group.held.delete('m2')
    expect(group.rebalance().delayMs).toBe(1000)
    expect(group.loads).toEqual([3])
    group.nowMs = 400
    // A connector that is added meanwhile is assigned, and the wait ends no later.
    group.configured = some({ a: 6, b: 1 })
    expect(group.rebalance().delayMs).toBe(600)
    expect(group.loads).toEqual([4])
    group.join('m9')
    expect(group.rebalance().delayMs).toBe(0)
    expect(group.loads).toEqual([4, 3])
  })

  it('gives what waits to those that are there once the delay has passed', () => {
    const group = groupOf({ a: 6 }, 'm1', 'm2', 'm3')
    group.maxDelayMs = 1000
    group.held.delete('m2')
    group.rebalance()
    group.nowMs = 1000
    expect(group.rebalance().delayMs).toBe(0)
    expect(group.loads).toEqual([3, 3])
  })

  it('assigns again at once what no member has received, though none is missing', () => {
    const group = groupOf({ a: 2 }, 'm1', 'm2')
    group.maxDelayMs = 1000
    group.join('m2')
    group.rebalance()
    expect(group.loads).toEqual([1, 1])
  })

  it('leaves what two members report to one of them', () => {
    const group = groupOf({ a: 1 }, 'm1')
    const both = group.held.get('m1') ?? nothingAssigned
    group.held.set('m2', both)
    group.settle()
    expect(new Set(group.loads)).toEqual(new Set([0, 1]))
  })

  it('revokes what is no longer configured', () => {
    const group = groupOf({ a: 2, b: 2 }, 'm1', 'm2')
    group.configured = some({ b: 1 })
    group.settle()
    expect(new Set(group.loads)).toEqual(new Set([0, 1]))
  })

  it('gives connectors and tasks to members that have their class, and spreads the others', () => {
    const group = new Group()
    group.configured = some({ a: 4, b: 8 })
    group.lacks.set('m1', new Set(['a'])).set('m3', new Set(['a']))
    group.join('m1', 'm2', 'm3')
    group.settle()
    expect(group.held.get('m2')?.tasks).toEqual(tasksOf('a', 4))
    expect(group.held.get('m2')?.connectors).toEqual(['a'])
    expect(group.loads).toEqual([4, 4, 4])
  })

  it('moves what a member runs without its class once another has it', () => {
    const group = groupOf({ a: 2, b: 2 }, 'm1', 'm2')
    group.lacks.set('m1', new Set(['a'])).set('m2', new Set(['a']))
    group.settle()
    expect(group.loads).toEqual([2, 2])
    group.join('m3')
    group.settle()
    expect(group.held.get('m3')).toEqual(some({ a: 2 }))
    expect(group.loads).toEqual([1, 1, 2])
  })

  it('ends balanced, with each connector and task on one member, after whatever happened', () => {
    const ids = ['m1', 'm2', 'm3', 'm4', 'm5']
    const step = fc.oneof(
      fc.constantFrom(...ids).map((id) => (group: Group) => group.join(id)),
      fc.constantFrom(...ids).map((id) => (group: Group) => void (group.held.size > 1 && group.held.delete(id))),
      fc
        .dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 0, max: 7 }))
        .map((names) => (group: Group) => void (group.configured = some(names))),
      fc.tuple(fc.constantFrom(...ids), fc.subarray(['a', 'b', 'c'])).map(
        ([id, names]) =>
          (group: Group) =>
            void group.lacks.set(id, new Set(names)),
      ),
      fc.integer({ min: 1, max: 2000 }).map((ms) => (group: Group) => void (group.nowMs += ms)),
      fc.constant((group: Group) => void group.rebalance()),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.constantFrom(0, 1000), (steps, maxDelayMs) => {
        const group = groupOf({ a: 3 }, 'm1')
        group.maxDelayMs = maxDelayMs
        for (const act of steps) {
          act(group)
          const all = [...group.held.values()].flatMap((held) => Array.from(keysOf(held)))
          expect(new Set(all).size).toBe(all.length)
        }
        expect(group.settle()).toBeLessThan(8)
        group.nowMs += 1_000_000
        expect(group.settle()).toBeLessThan(8)
        const all = [...group.held.values()].flatMap((held) => Array.from(keysOf(held)))
        expect(all.toSorted()).toEqual([...keysOf(group.configured)].toSorted())
        for (const [member, { connectors, tasks }] of group.held) {
          for (const connector of connectors) checkPlace(group, member, connector, (at) => at.connectors.length)
          for (const { connector } of tasks) checkPlace(group, member, connector, (at) => at.tasks.length)
        }
      }),
    )
  })
})
