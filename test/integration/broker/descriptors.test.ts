import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { apis } from '../../support/protocol/apis.ts'
import { textBatch } from '../../support/broker/broker-harness.ts'
import { BrokerProcess } from '../../support/broker/broker-process.ts'
import { RawKafkaClient } from '../../support/broker/raw-kafka-client.ts'

const cleanups: (() => Promise<unknown> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'penstock-few-'))
  cleanups.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

async function start(dataDir: string, openFiles: number) {
  const broker = await BrokerProcess.startIn({ openFiles }, dataDir)
  cleanups.push(() => broker.end('SIGKILL'))
  const client = await RawKafkaClient.connect(broker.address)
  cleanups.push(() => client.close())
  return { broker, client }
}

const topicNames = Array.from({ length: 40 }, (_, i) => `t${i}`)
const partitionsPerTopic = 20

async function writeToAll(client: RawKafkaClient, baseOffset: number): Promise<void> {
  const topicData = topicNames.map((name) => ({
    name,
    partitionData: Array.from({ length: partitionsPerTopic }, (_, index) => ({ index, records: textBatch([name]) })),
  }))
  const answer = await client.call(apis.produce, 9, { acks: -1, timeoutMs: 60_000, topicData })
  const answers = answer.responses.flatMap(({ partitionResponses }) => partitionResponses)
  expect(answers.filter((one) => one.errorCode !== 0 || one.baseOffset !== baseOffset)).toEqual([])
  expect(answers).toHaveLength(topicNames.length * partitionsPerTopic)
}

describe('a broker with far more partitions than files it may open', () => {
  it('creates them, writes to all immediately, deletes, and starts again in order and after kill -9', async () => {
    const dataDir = directory()
    let { broker, client } = await start(dataDir, 300)
    for (const name of topicNames) {
      const topics = [{ name, numPartitions: partitionsPerTopic, replicationFactor: 1, assignments: [], configs: [] }]
      const answer = await client.call(apis.createTopics, 5, { topics, timeoutMs: 60_000, validateOnly: false })
      expect(answer.topics[0]).toMatchObject({ errorCode: 0 })
    }
    await writeToAll(client, 0)
    await broker.end('SIGKILL')
    ;({ broker, client } = await start(dataDir, 300))
    await writeToAll(client, 1)
    if (existsSync('/proc')) expect(readdirSync(`/proc/${broker.pid}/fd`).length).toBeLessThan(300)
    expect((await broker.end('SIGTERM')).code).toBe(0)
    ;({ broker, client } = await start(dataDir, 256))
    await writeToAll(client, 2)
    for (const name of topicNames) {
      const answer = await client.call(apis.deleteTopics, 5, { topicNames: [name], topics: [], timeoutMs: 60_000 })
      expect(answer.responses[0]).toMatchObject({ errorCode: 0 })
    }
    const end = await broker.end('SIGTERM')
    expect(end).toMatchObject({ code: 0, stderr: expect.stringContaining('800 partitions share 128 descriptors') })
    expect(end.stderr).not.toContain('EMFILE')
  })

  it('does not start with next to none, and says what to do', async () => {
    await expect(BrokerProcess.startIn({ openFiles: 200 }, directory())).rejects.toThrow(
      /BROKER_FEW_DESCRIPTORS: this process may open 200 files, and the broker needs 256 at least\. Raise .*ulimit -n 65536/,
    )
  })
})
