import { afterEach, beforeEach, expect, it } from 'vitest'

import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { ClientHarness, writeAll } from '../../contract/client-harness.ts'
import { PolledConsumer } from '../../contract/polled-consumer.ts'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { JavaConsumer } from '../../support/broker/java-consumer.ts'
import { describeWith, service } from '../../support/services.ts'
import { patienceMs, until } from '../../support/until.ts'

const partitions = [0, 1, 2, 3, 4, 5]
const javaAssignors = (...names: readonly string[]): Readonly<Record<string, string>> => ({
  'partition.assignment.strategy': names.map((name) => `org.apache.kafka.clients.consumer.${name}`).join(),
})

interface Member {
  readonly values: readonly string[]
  readonly events: readonly string[]
  readonly assignment: readonly string[]
  untilHas(count: number): Promise<void>
}

// Java's program is of the distribution that the service is started from, so both suites need it.
describeWith(['kafka'], 'a group with members in Java, on Apache Kafka', () =>
  suite(async () => [service('kafka'), null]),
)
describeWith(['kafka'], 'a group with members in Java, on the embedded broker', () =>
  suite(async () => {
    const broker = await BrokerHarness.start()
    return [broker.bootstrap, broker]
  }),
)

function suite(open: () => Promise<[string, BrokerHarness | null]>): void {
  let bootstrapServers: string
  let broker: BrokerHarness | null
  let harness: ClientHarness
  let client: KafkaClient
  let topic: string
  let written: string[]
  const javas = new Set<JavaConsumer>()

  beforeEach(async () => {
    const [address, started] = await open()
    bootstrapServers = address
    broker = started
    harness = new ClientHarness(bootstrapServers)
    client = await harness.connect()
    topic = harness.name('java')
    written = []
    await client.admin.createTopic({ name: topic, partitions: partitions.length, replicationFactor: 1 })
  })
  afterEach(async () => {
    for (const java of javas) await java.kill()
    javas.clear()
    await harness.close()
    await broker?.close()
  })

  async function java(...names: readonly string[]): Promise<JavaConsumer> {
    const properties = names.length === 0 ? {} : javaAssignors(...names)
    const started = await JavaConsumer.start({ bootstrapServers, topic, groupId: topic, properties })
    javas.add(started)
    return started
  }

  async function leave(member: JavaConsumer): Promise<void> {
    javas.delete(member)
    await member.stop()
  }

  function ours(assignors: readonly ('range' | 'sticky' | 'cooperative-sticky')[] | null): PolledConsumer {
    const times = { sessionTimeoutMs: patienceMs, heartbeatIntervalMs: 100, metadataMaxAgeMs: 300 }
    const options = { groupId: topic, ...times, ...(assignors === null ? {} : { assignors }) }
    return new PolledConsumer(client.consumer(options), { topics: [topic] })
  }

  async function write(round: string): Promise<void> {
    for (const partition of partitions) {
      await writeAll(client, topic, [`${round}.${partition}`], partition)
      written.push(`${round}.${partition}`)
    }
  }

  /** Waits until the members have read all that was written, and expects that each record was read by one, once. */
  async function readOnce(...members: readonly Member[]): Promise<void> {
    const read = (): string[] => members.flatMap(({ values }) => values)
    const have = (): string => members.map(({ assignment }) => assignment.join()).join(' | ')
    await until(
      () => `${written.length} values; not ${read().length}, with ${have()}`,
      () => new Set(read()).size >= written.length,
    )
    expect(read().toSorted()).toEqual(written.toSorted())
  }

  const names = (): string[] => partitions.map((partition) => `${topic}-${partition}`)
  const held = (...members: readonly Member[]): string[] => members.flatMap(({ assignment }) => assignment).sort()
  /** The events of a member without offsets. */
  const eventsOf = ({ events }: Member, name: string): string =>
    events
      .map((event) => event.replace(/@\d+$/, ''))
      .filter((event) => event.slice(1) === name)
      .map((event) => event.slice(0, 1))
      .join('')

  it('moves only the shares of members that join and leave, with leaders of both kinds, and each record is read once', async () => {
    const first = ours(['cooperative-sticky'])
    await first.untilHas(6)
    await write('alone')
    await readOnce(first)
    const second = await java('CooperativeStickyAssignor')
    await first.untilHas(3)
    await second.untilHas(3)
    expect(held(first, second)).toEqual(names())
    await write('two')
    await readOnce(first, second)
    for (const name of first.assignment) expect(eventsOf(first, name)).toBe('+')
    for (const name of second.assignment) expect(eventsOf(first, name)).toBe('+-')
    // Java's member leads from here on: the leader leaves.
    await first.close()
    await second.untilHas(6)
    expect(second.events.filter((event) => !event.startsWith('+'))).toEqual([])
    await write('java alone')
    await readOnce(first, second)
    const third = ours(['cooperative-sticky'])
    await third.untilHas(3)
    await second.untilHas(3)
    expect(third.consumer.isLeader).toBe(false)
    expect(held(second, third)).toEqual(names())
    await write('two again')
    await readOnce(first, second, third)
    for (const name of second.assignment) expect(eventsOf(second, name)).toBe('+')
    const fourth = await java('CooperativeStickyAssignor')
    for (const member of [second, third, fourth]) await member.untilHas(2)
    for (const name of third.assignment) expect(eventsOf(third, name)).toBe('+')
    await write('three')
    await readOnce(first, second, third, fourth)
    await leave(second)
    await third.untilHas(3)
    await fourth.untilHas(3)
    expect(third.events.filter((event) => event.startsWith('-'))).toHaveLength(1)
    await write('two at the end')
    await readOnce(first, second, third, fourth)
    await third.close()
    await leave(fourth)
  })

  it('has the default of both, one that is cooperative, and one that replaces it, and each record is read once', async () => {
    const [first, second] = [ours(null), await java()]
    await first.untilHas(3)
    await second.untilHas(3)
    await write('range')
    await readOnce(first, second)
    const cooperative = ours(['cooperative-sticky'])
    for (const member of [first, second, cooperative]) await member.untilHas(2)
    expect(held(first, second, cooperative)).toEqual(names())
    await write('sticky')
    await readOnce(first, second, cooperative)
    await first.close()
    for (const member of [second, cooperative]) await member.untilHas(3)
    expect(cooperative.events.filter((event) => event.startsWith('-'))).toEqual([])
    await write('without the first')
    await readOnce(first, second, cooperative)
    await leave(second)
    await cooperative.untilHas(6)
    await cooperative.close()
  })

  it('shares the eager sticky assignor, and each member gets what it had', async () => {
    const first = ours(['sticky'])
    await first.untilHas(6)
    const second = await java('StickyAssignor')
    await first.untilHas(3)
    await second.untilHas(3)
    const before = [first.assignment, second.assignment]
    await write('two')
    await readOnce(first, second)
    const third = ours(['sticky'])
    for (const member of [first, second, third]) await member.untilHas(2)
    expect(before[0]).toEqual(expect.arrayContaining(first.assignment))
    expect(before[1]).toEqual(expect.arrayContaining(second.assignment))
    await write('three')
    await readOnce(first, second, third)
    // The next leader is another one, and knows the last assignments as well.
    await first.close()
    for (const member of [second, third]) await member.untilHas(3)
    await write('two again')
    await readOnce(first, second, third)
    await third.close()
    await leave(second)
  })
}
