import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { apis } from '../protocol/apis.ts'
import { crc32c } from '../../../src/protocol/record-batch/crc32c.ts'
import { encodeRequestFrame } from '../../../src/protocol/frame.ts'
import type { Api, RequestValue } from '../../../src/protocol/schema.ts'
import { fetchValue, textBatch } from '../broker/broker-harness.ts'
import { FrameMutator } from '../broker/frame-mutator.ts'
import { arraysOf, hostileFrame, largeFrame } from './hostile-frames.ts'
import { RawKafkaClient } from '../broker/raw-kafka-client.ts'
import { until } from '../until.ts'

const own = 'hostile'
const ownPartitions = 4
const mib = 1024 * 1024
/** So often, with such pauses, a connection that drips does so: longer than a test waits for a pipeline. */
const [drips, dripMs] = [45, 2000]
/** Where the checksum of a batch stands, and where the bytes begin that it covers, the first of which are the attributes. */
const [crcAt, coveredAt, headerBytes] = [17, 21, 61]

/** Names that are too long, that every object has, or that no terminal prints. */
export const oddNames: readonly string[] = [
  'n'.repeat(32_000),
  'é'.repeat(16_000),
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  '\u0000\u0001\u001b[2J',
  'a\r\nb: c',
  '\u2028\u202e',
  '../../etc/passwd',
  '',
  '.',
]

/**
 * A client that takes what the broker does not owe it: one attack after the other, chosen by `random`. It touches no topic and
 * no group but its own and those of {@link FrameMutator}.
 */
export class HostileClient {
  readonly #address: { readonly host: string; readonly port: number }
  readonly #random: () => number
  readonly #mutator: FrameMutator
  readonly #sockets = new Set<Socket>()
  readonly #stopped = new AbortController()
  /** Topics that were there before it: damaged frames make others. */
  readonly #others = new Set<string>()
  #served: readonly Api[] = []
  /** A record of 60 MB of nothing in a batch that every limit on sizes lets pass. */
  #bomb: Buffer = Buffer.alloc(0)

  readonly attacks: Readonly<Record<string, () => Promise<void>>> = {
    'damaged frames': () => this.#damagedFrames(),
    'lying counts': () => this.#lyingCounts(),
    'largest frames': () => this.#largestFrame(),
    'pipelining behind a long poll': () => this.#pipelining(),
    'half-sent frames': () => this.#halfSent(),
    'silent connections': () => this.#silence(),
    'slow readers': () => this.#slowReaders(),
    'dripping requests': () => this.#drippingRequests(),
    'dripping readers': () => this.#drippingReaders(),
    'connection storms': () => this.#storm(),
    'odd names': () => this.#oddNames(),
    'metadata of 100,000 names': () => this.#manyNames(),
    'topics by the hundred': () => this.#manyTopics(),
    'groups with large metadata': () => this.#largeGroups(),
    'offsets with large metadata': () => this.#largeOffsets(),
    'compressed garbage': () => this.#garbage(),
  }

  /** @param random numbers in [0, 1) */
  constructor(address: string, random: () => number) {
    const [host = '', port = ''] = address.split(':')
    this.#address = { host, port: Number(port) }
    this.#random = random
    this.#mutator = new FrameMutator(random)
  }

  /** Makes its topic, with more in it than a slow reader asks for. */
  async prepare(): Promise<void> {
    const client = await RawKafkaClient.connect(this.#address)
    const { topics } = await client.call(apis.metadata, 1, { topics: null })
    for (const { name } of topics) if (name !== null) this.#others.add(name)
    const configs = Object.entries({ 'retention.bytes': '100000000', 'segment.bytes': '16000000' })
    await client.call(apis.createTopics, 5, {
      topics: [own, 't', 'u'].map((name) => ({
        name,
        numPartitions: ownPartitions,
        replicationFactor: 1,
        assignments: [],
        configs: configs.map(([key, value]) => ({ name: key, value })),
      })),
      timeoutMs: 60_000,
      validateOnly: false,
    })
    const records = textBatch(['r'.repeat(900_000)])
    for (let sent = 0; sent < 60; sent += 1) await client.call(apis.produce, 9, produceValue(own, 0, records))
    const { apiKeys } = await client.call(apis.apiVersions, 0, {})
    this.#served = (Object.values(apis) as Api[]).flatMap((api) => {
      const served = apiKeys.find(({ apiKey }) => apiKey === api.key)
      if (served === undefined) return []
      const first = Math.max(api.versions[0], served.minVersion)
      return [{ ...api, versions: [first, Math.min(api.versions[1], served.maxVersion)] as const }]
    })
    this.#bomb = textBatch(['0'.repeat(60 * mib)], { codec: 'gzip' })
    await client.close()
  }

  /** Ends the pauses of attacks, so that they return soon. */
  stop(): void {
    this.#stopped.abort()
  }

  /** Takes its topics away and closes every connection. */
  async leave(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    const client = await RawKafkaClient.connect(this.#address)
    // What a request began is made after its client has gone, too.
    await until('the topics of the hostile client are gone', async () => {
      const { topics } = await client.call(apis.metadata, 1, { topics: null })
      const names = topics.flatMap(({ name }) => (name !== null && !this.#others.has(name) ? [name] : []))
      if (names.length > 0)
        await client.call(apis.deleteTopics, 5, { topicNames: names, topics: [], timeoutMs: 60_000 })
      return names.length === 0
    })
    await client.close()
  }

  async #damagedFrames(): Promise<void> {
    for (let sent = 0; sent < 200; sent += 1) {
      const line = await this.#open()
      for (let behind = this.#below(3); behind >= 0; behind -= 1)
        line?.write(this.#mutator.next(this.#served, sent).frame)
      await this.#pause(5)
      line?.destroy()
    }
  }

  async #lyingCounts(): Promise<void> {
    const counts = [0x7ffffffe, 2_000_000, 1_000_001, 100_000]
    for (const api of this.#served) {
      const [, version] = api.versions
      for (const { path } of arraysOf(api, version)) {
        const line = await this.#open()
        line?.write(hostileFrame(api, version, path, this.#pick(counts)))
        await this.#pause(2)
        line?.destroy()
      }
    }
  }

  async #largestFrame(): Promise<void> {
    const api = this.#pick(this.#served.filter(({ key }) => key !== apis.createTopics.key))
    const [, version] = api.versions
    const places = arraysOf(api, version)
    if (places.length === 0) return
    const { path } = this.#pick(places)
    const frame = largeFrame(api, version, {
      path,
      count: this.#pick([50_000, 200_000, 500_000]),
      kind: this.#pick(['equal', 'distinct']),
    })
    await this.#hold(2, 3000, (line) => line.write(frame))
  }

  async #pipelining(): Promise<void> {
    const poll = fetchValue(own, 1_000_000, { maxWaitMs: 5000, minBytes: 1 << 20 })
    const parts = [frameOf(apis.fetch, 11, poll), frameOf(apis.fetch, 11, fetchValue(own, 60, poll30s))]
    const behind = this.#pick([
      frameOf(apis.apiVersions, 0, {}),
      frameOf(apis.metadata, 1, { topics: null }),
      frameOf(apis.listGroups, 0, {}),
      frameOf(apis.fetch, 11, fetchValue(own, 0, { maxBytes: 50 * mib, partitionMaxBytes: mib })),
    ])
    for (let sent = 0; sent < 5000; sent += 1) parts.push(behind)
    const all = Buffer.concat(parts)
    const isRead = this.#random() < 0.5
    await this.#hold(4, 6000, (line) => {
      line.write(all)
      if (!isRead) line.pause()
    })
  }

  async #halfSent(): Promise<void> {
    await this.#hold(40, 8000, (line) => {
      const length = this.#pick([100, 100_000, 10 * mib, 100 * mib])
      const frame = Buffer.alloc(4 + Math.floor(Math.min(length, 4 * mib) / 2))
      frame.writeInt32BE(length, 0)
      line.write(this.#random() < 0.1 ? frame.subarray(0, 3) : frame)
    })
  }

  async #silence(): Promise<void> {
    await this.#hold(this.#pick([300, 1000, 2100]), 5000, () => undefined)
  }

  async #slowReaders(): Promise<void> {
    const ask = frameOf(apis.fetch, 11, fetchValue(own, 0, { maxBytes: 50 * mib, partitionMaxBytes: 50 * mib }))
    await this.#hold(20, 8000, (line) => {
      line.pause()
      line.write(Buffer.concat([ask, ask, ask]))
    })
  }

  /** A byte now and then: no request of them stalls, and none is ever complete. */
  async #drippingRequests(): Promise<void> {
    const beginning = Buffer.alloc(40_000)
    beginning.writeInt32BE(900_000, 0)
    await this.#hold(
      600,
      0,
      (line) => line.write(beginning),
      (line) => line.write('x'),
    )
  }

  /** As much as shows that they read, and far too little to end. */
  async #drippingReaders(): Promise<void> {
    const ask = frameOf(apis.fetch, 11, fetchValue(own, 0, { maxBytes: 50 * mib, partitionMaxBytes: 50 * mib }))
    await this.#hold(
      60,
      0,
      (line) => {
        line.pause()
        line.write(ask)
      },
      (line) => line.read(1),
    )
  }

  async #storm(): Promise<void> {
    for (let round = 0; round < 10; round += 1) {
      const lines = await Promise.all(Array.from({ length: 100 }, () => this.#open()))
      for (const line of lines) {
        if (this.#random() < 0.3) line?.write(frameOf(apis.apiVersions, 0, {}))
        if (this.#random() < 0.5) line?.resetAndDestroy()
        else line?.destroy()
      }
      await this.#pause(20)
    }
  }

  async #oddNames(): Promise<void> {
    for (const name of oddNames) {
      const line = await this.#open()
      const config = { name, value: name }
      const topic = { name, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [config] }
      const frames = [
        frameOf(apis.metadata, 4, { topics: [{ name }], allowAutoTopicCreation: true }, name),
        frameOf(apis.createTopics, 5, { topics: [topic], timeoutMs: 1000 }, name),
        frameOf(apis.createTopics, 5, { topics: [{ ...topic, name: own }], timeoutMs: 1000 }, name),
        frameOf(apis.findCoordinator, 1, { key: name, keyType: 0 }, name),
        frameOf(apis.joinGroup, 5, joinValue(name, [{ name, metadata: Buffer.from(name) }], name), name),
        frameOf(apis.offsetCommit, 7, commitValue(name, own, name), name),
        frameOf(apis.offsetFetch, 5, { groupId: name, topics: [{ name, partitionIndexes: [0] }] }, name),
        frameOf(apis.describeGroups, 1, { groups: [name] }, name),
        frameOf(apis.produce, 9, produceValue(name, 0, textBatch([[name, name]])), name),
        frameOf(apis.deleteTopics, 5, { topicNames: [name], topics: [], timeoutMs: 1000 }, name),
        frameOf(apis.deleteGroups, 1, { groupsNames: [name] }, name),
      ]
      for (const frame of frames) line?.write(frame)
      await this.#pause(100)
      line?.destroy()
    }
  }

  async #manyNames(): Promise<void> {
    const topics = Array.from({ length: 100_000 }, (_, i) => ({ name: `unknown-${i}` }))
    const frame = frameOf(apis.metadata, 4, { topics, allowAutoTopicCreation: false })
    const isRead = this.#random() < 0.5
    await this.#hold(3, 3000, (line) => {
      line.write(frame)
      if (!isRead) line.pause()
    })
  }

  async #manyTopics(): Promise<void> {
    const names = Array.from({ length: 200 }, (_, i) => `${own}-${i}`)
    const topics = names.map((name) => ({ name }))
    const line = await this.#open()
    line?.write(frameOf(apis.metadata, 4, { topics, allowAutoTopicCreation: true }))
    await this.#pause(2000)
    line?.write(frameOf(apis.deleteTopics, 5, { topicNames: names, topics: [], timeoutMs: 60_000 }))
    await this.#pause(2000)
    line?.destroy()
  }

  async #largeGroups(): Promise<void> {
    const metadata = Buffer.alloc(this.#pick([mib, 4 * mib, 20 * mib]), 'm')
    const group = `${own}-${this.#below(20)}`
    await this.#hold(8, 4000, (line) => {
      const protocols = [{ name: 'range', metadata }]
      line.write(frameOf(apis.joinGroup, 3, joinValue(group, protocols)))
    })
  }

  async #largeOffsets(): Promise<void> {
    await this.#hold(4, 2000, (line) => {
      for (let sent = 0; sent < 50; sent += 1) {
        const size = this.#pick([1000, 4096, 4097, 30_000])
        line.write(frameOf(apis.offsetCommit, 7, commitValue(`${own}-${this.#below(50)}`, own, 'o'.repeat(size))))
      }
    })
  }

  async #garbage(): Promise<void> {
    await this.#hold(4, 3000, (line) => {
      for (let sent = 0; sent < 10; sent += 1) {
        const batch = textBatch(['x'.repeat(5000)])
        batch.writeInt16BE(1 + this.#below(7), coveredAt)
        for (let at = headerBytes; at < batch.length; at += 1) batch[at] = this.#below(256)
        batch.writeInt32BE(crc32c(batch.subarray(coveredAt)) | 0, crcAt)
        line.write(frameOf(apis.produce, 9, produceValue(own, 1 + this.#below(ownPartitions - 1), batch)))
      }
      line.write(frameOf(apis.produce, 9, produceValue(own, 1, this.#bomb)))
    })
  }

  /** Opens `count` connections, does the same on each, and closes them after `ms`; with `drip`, does that on each meanwhile. */
  async #hold(
    count: number,
    ms: number,
    act: (line: Socket) => unknown,
    drip: ((line: Socket) => unknown) | null = null,
  ): Promise<void> {
    const lines: (Socket | null)[] = []
    while (lines.length < count)
      lines.push(...(await Promise.all(Array.from({ length: Math.min(50, count - lines.length) }, () => this.#open()))))
    for (const line of lines) if (line !== null) act(line)
    const drops = drip === null ? 0 : drips
    for (let drop = 0; drop < drops && !this.#stopped.signal.aborted; drop += 1) {
      await this.#pause(dripMs)
      for (const line of lines) if (line !== null && !line.destroyed) drip?.(line)
    }
    await this.#pause(ms)
    for (const line of lines) line?.destroy()
  }

  /** Null: the broker did not let it in. */
  #open(): Promise<Socket | null> {
    return new Promise((resolve) => {
      const line = connect(this.#address)
      this.#sockets.add(line)
      line.once('connect', () => resolve(line))
      line.on('error', () => undefined) // 'close' follows.
      line.once('close', () => {
        this.#sockets.delete(line)
        resolve(null)
      })
      line.resume()
    })
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopped.signal }).catch(() => undefined)
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#below(from.length)] as T
  }
}

const poll30s = { maxWaitMs: 30_000, minBytes: 1 << 20 }

function frameOf<A extends Api>(api: A, apiVersion: number, value: RequestValue<A>, clientId = own): Buffer {
  return Buffer.concat(encodeRequestFrame(api, { apiVersion, correlationId: 1, clientId }, value))
}

function produceValue(name: string, index: number, records: Buffer) {
  const topicData = [{ name, partitionData: [{ index, records }] }]
  return { acks: -1, timeoutMs: 10_000, topicData }
}

function joinValue(
  groupId: string,
  protocols: readonly { readonly name: string; readonly metadata: Buffer }[],
  groupInstanceId: string | null = null,
) {
  const times = { sessionTimeoutMs: 6000, rebalanceTimeoutMs: 6000 }
  return { groupId, ...times, memberId: '', groupInstanceId, protocolType: 'consumer', protocols: [...protocols] }
}

function commitValue(groupId: string, name: string, committedMetadata: string) {
  const partitions = Array.from({ length: ownPartitions }, (_, partitionIndex) => ({
    partitionIndex,
    committedOffset: 1,
    committedMetadata,
  }))
  return { groupId, memberId: '', topics: [{ name, partitions }] }
}
