import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'

import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { writeAll } from '../../contract/client-harness.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { describeWith, service } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { kafkaSettings } from '../../support/worker/kafka-settings.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import { WorkerProcessError } from '../../support/worker/worker-process.ts'

const partitions = [0, 1, 2, 3]
const setting = 'consumer.override.partition.assignment.strategy'
const cooperative = 'org.apache.kafka.clients.consumer.CooperativeStickyAssignor'
const workers = testWorkers()
const clients: KafkaClient[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
})

/** A worker with a file sink of two tasks, and what it writes; null is the embedded broker. */
async function running(kafka: string | null) {
  const topic = `assignors-${process.pid}-${Date.now().toString(36)}`
  const worker = await workers.start({
    'offset.flush.interval.ms': '100',
    ...(kafka === null ? {} : kafkaSettings(kafka, `group-${topic}`)),
  })
  const bootstrapServers = kafka ?? worker.place.broker
  const client = await KafkaClient.connect({
    bootstrapServers,
    clientId: 'test',
    clock: systemClock,
    logger: quietLogger(),
  })
  clients.push(client)
  await client.admin.createTopic({ name: topic, partitions: partitions.length, replicationFactor: 1 })
  const file = join(workers.directory, 'out.txt')
  const config = {
    'connector.class': 'FileStreamSink',
    file,
    topics: topic,
    'tasks.max': '2',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  }
  const states = async (): Promise<readonly string[]> => {
    const status = (await worker.request('GET', `/connectors/${topic}/status`)) as { tasks: { state: string }[] }
    return status.tasks.map(({ state }) => state)
  }
  return {
    worker,
    topic,
    states,
    start: async (more: Record<string, string> = {}) => await worker.post(topic, { ...config, ...more }),
    configure: async (more: Record<string, string>) =>
      await worker.request('PUT', `/connectors/${topic}/config`, { name: topic, ...config, ...more }),
    write: async (round: string): Promise<void> => {
      for (const partition of partitions) await writeAll(client, topic, [`${round}.${partition}`], partition)
    },
    /** What the log says of the partitions of a task. What it held before a restart counts as held. */
    moves: (task: number) => {
      const lines = worker.output.matchAll(
        new RegExp(
          `"logger":"connect.runtime.Task.${topic}-${task}","msg":"partitions (assigned|revoked): ([^"]*)"`,
          'g',
        ),
      )
      const held = new Set<string>()
      const sizes: number[] = []
      let assignments = 0
      for (const [, what, list = ''] of lines) {
        const names = list.split(', ').map((name) => name.split(' ')[0] ?? '')
        if (what === 'assigned') {
          for (const name of names) held.add(name)
          assignments += 1
        } else for (const name of names) held.delete(name)
        sizes.push(held.size)
      }
      /** How many partitions it held after each change. */
      return { held: [...held].sort(), sizes, assignments }
    },
    lines: (): string[] => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1).toSorted() : []),
  }
}

const valuesOf = (...rounds: readonly string[]): string[] =>
  rounds.flatMap((round) => partitions.map((partition) => `${round}.${partition}`)).toSorted()

describeWith([], 'the assignors of a sink on the embedded broker', () => suite(() => null))
describeWith(['kafka'], 'the assignors of a sink on Apache Kafka', () => suite(() => service('kafka')))

function suite(kafka: () => string | null): void {
  it('change while its tasks run: none fails, and each record is written once', async () => {
    const sink = await running(kafka())
    await sink.start()
    await sink.write('one')
    await untilPasses(() => expect(sink.lines()).toEqual(valuesOf('one')))
    await sink.configure({ [setting]: cooperative })
    await sink.write('two')
    await untilPasses(() => expect(sink.lines()).toEqual(valuesOf('one', 'two')))
    await sink.configure({})
    await sink.write('three')
    await untilPasses(() => expect(sink.lines()).toEqual(valuesOf('one', 'two', 'three')))
    await untilPasses(async () => expect(await sink.states()).toEqual(['RUNNING', 'RUNNING']))
    expect(sink.worker.output).not.toContain('INCONSISTENT_GROUP_PROTOCOL')
  })

  it('let a task read on when another one restarts', async () => {
    const sink = await running(kafka())
    await sink.start({ [setting]: cooperative })
    await untilPasses(() => expect([0, 1].map((task) => sink.moves(task).held.length)).toEqual([2, 2]))
    const changes = sink.moves(1).sizes.length
    const begun = sink.moves(0).assignments
    await sink.write('one')
    await untilPasses(() => expect(sink.lines()).toEqual(valuesOf('one')))
    await sink.worker.request('POST', `/connectors/${sink.topic}/tasks/0/restart`)
    await untilPasses(() => expect(sink.moves(0).assignments).toBeGreaterThan(begun))
    await sink.write('two')
    await untilPasses(() => expect(sink.lines()).toEqual(valuesOf('one', 'two')))
    // If the group is balanced before the task is back, the other one has all partitions for a while, and may give back others.
    await untilPasses(() => expect(sink.moves(1).held).toHaveLength(2))
    expect(Math.min(2, ...sink.moves(1).sizes.slice(changes))).toBe(2)
  })

  it('are rejected by name if there is no such class', async () => {
    const sink = await running(kafka())
    const refused = sink.start({ [setting]: 'com.example.Mine' })
    await expect(refused).rejects.toThrow(WorkerProcessError)
    await expect(refused).rejects.toThrow(`there is no assignor com.example.Mine: the assignors are org.apache.kafka.`)
  })
}
