import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { runKcat, type KcatRun } from '../../support/broker/kcat-runner.ts'
import { describeWith, service } from '../../support/services.ts'

describeWith(['kcat'], 'kcat against the embedded broker', () => {
  let harness: BrokerHarness

  beforeAll(async () => {
    harness = await BrokerHarness.start()
  })

  afterAll(() => harness.close())

  function kcat(args: readonly string[], input = ''): Promise<KcatRun> {
    return runKcat(service('kcat'), ['-b', harness.bootstrap, ...args], input)
  }

  async function read(topic: string, ...args: readonly string[]): Promise<string[]> {
    const run = await kcat(['-C', '-t', topic, '-e', '-q', ...args])
    expect(run).toMatchObject({ code: 0, stderr: '' })
    return run.stdout === '' ? [] : run.stdout.trimEnd().split('\n')
  }

  it('-L lists broker, topics and partitions', async () => {
    await harness.broker.topics.create('listed', 3, {})
    const run = await kcat(['-L'])
    expect(run.code).toBe(0)
    expect(run.stdout).toContain(`broker 1 at ${harness.bootstrap} (controller)`)
    expect(run.stdout).toContain('topic "listed" with 3 partitions')
    expect((await kcat(['-L', '-t', 'made.by.listing'])).stdout).toContain('topic "made.by.listing" with 1 partitions')
  })

  it('-P writes keys, tombstones and headers; -C reads them back', async () => {
    const topic = 'keys-and-headers'
    await kcat(['-P', '-t', topic, '-K', ':', '-Z', '-H', 'a=1', '-H', 'b=2'], 'k1:v1\nk2:\n')
    expect(await read(topic, '-o', 'beginning', '-f', '%k|%s|%S|%h\\n')).toEqual(['k1|v1|2|a=1,b=2', 'k2||-1|a=1,b=2'])
  })

  it('-P with idempotence and with each acks gets everything stored once', async () => {
    const lines = Array.from({ length: 2000 }, (_, i) => `${i}`)
    for (const settings of [['enable.idempotence=true'], ['acks=1'], ['acks=0'], ['acks=all', 'linger.ms=0']]) {
      const topic = `stored-${settings.join('-')}`.replaceAll('=', '-')
      const flags = settings.flatMap((setting) => ['-X', setting])
      expect(await kcat(['-P', '-t', topic, ...flags], lines.join('\n'))).toMatchObject({ code: 0, stderr: '' })
      expect(await read(topic, '-o', 'beginning')).toEqual(lines)
    }
  })

  it('-C starts where it is told: offset, end, time; -c stops it', async () => {
    const topic = 'positions'
    await kcat(['-P', '-t', topic], 'a\nb\nc\n')
    const between = Date.now() + 1
    await expect.poll(() => Date.now()).toBeGreaterThan(between)
    await kcat(['-P', '-t', topic], 'd\ne\n')
    expect(await read(topic, '-o', '1', '-c', '2')).toEqual(['b', 'c'])
    expect(await read(topic, '-o', '-2')).toEqual(['d', 'e'])
    expect(await read(topic, '-o', 'end')).toEqual([])
    expect(await read(topic, '-o', `s@${between}`)).toEqual(['d', 'e'])
  })

  it('-C reads the same in both isolation levels', async () => {
    await kcat(['-P', '-t', 'isolation'], 'x\ny\n')
    for (const level of ['read_committed', 'read_uncommitted']) {
      expect(await read('isolation', '-o', 'beginning', '-X', `isolation.level=${level}`)).toEqual(['x', 'y'])
    }
  })

  it('-Q gives offsets by time', async () => {
    await kcat(['-P', '-t', 'queried'], 'a\nb\n')
    expect((await kcat(['-Q', '-t', 'queried:0:-1'])).stdout).toContain('queried [0] offset 2')
    expect((await kcat(['-Q', '-t', 'queried:0:1'])).stdout).toContain('queried [0] offset 0')
  })

  it('-G shares the partitions of a topic between two members, and continues where the group stopped', async () => {
    const topic = 'shared'
    await harness.broker.topics.create(topic, 4, {})
    const lines = Array.from({ length: 400 }, (_, i) => `k${i}:v${i}`)
    await kcat(['-P', '-t', topic, '-K', ':'], lines.join('\n'))
    const members = [1, 2].map(() => {
      const args = ['-b', harness.bootstrap, '-G', 'sharing', '-q', '-u', '-X', 'auto.offset.reset=earliest', topic]
      const child = spawn(service('kcat'), args, { stdio: ['ignore', 'pipe', 'ignore'] })
      const state = { child, text: '' }
      child.stdout.on('data', (chunk: Buffer) => {
        state.text += chunk.toString()
      })
      return state
    })
    const seen = (): string[] => members.flatMap(({ text }) => text.split('\n').filter((line) => line !== ''))
    await expect.poll(() => new Set(seen()).size, { timeout: 60_000 }).toBe(400)
    for (const { child } of members) {
      child.kill('SIGINT')
      await once(child, 'close')
    }
    await kcat(['-P', '-t', topic], 'last\n')
    const group = ['-G', 'sharing', '-q', '-e', '-X', 'auto.offset.reset=earliest', topic]
    expect((await kcat(group)).stdout).toBe('last\n')
  })
})
