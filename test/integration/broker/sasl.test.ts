import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { AuthenticationError } from '../../../src/client/errors.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { runKcat, type KcatRun } from '../../support/broker/kcat-runner.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { describeWith, service } from '../../support/services.ts'

const credentials = { username: 'penstock', password: 'cGFzc3dvcmQtb2YtdGhlLWVtYmVkZGVkLWxvZy0x' }

describeWith(['kcat'], 'clients of an embedded broker that asks for a password', () => {
  let harness: BrokerHarness
  beforeAll(async () => {
    harness = await BrokerHarness.start({ credentials })
    await harness.broker.topics.create('secret', 1, {})
  })
  afterAll(() => harness.close())

  const sasl = (mechanism: string, { username, password } = credentials): string[] =>
    [
      'security.protocol=SASL_PLAINTEXT',
      `sasl.mechanism=${mechanism}`,
      `sasl.username=${username}`,
      `sasl.password=${password}`,
    ].flatMap((setting) => ['-X', setting])
  const kcat = (args: readonly string[], input = ''): Promise<KcatRun> =>
    runKcat(service('kcat'), ['-b', harness.bootstrap, ...args], input)

  it('kcat writes and reads with it', async () => {
    expect(await kcat(['-P', '-t', 'secret', ...sasl('PLAIN')], 'a\nb\n')).toMatchObject({ code: 0, stderr: '' })
    const read = await kcat(['-C', '-t', 'secret', '-e', '-q', ...sasl('PLAIN')])
    expect(read).toMatchObject({ code: 0, stdout: 'a\nb\n' })
  })

  it.each([
    ['without it', []],
    ['with a wrong one', sasl('PLAIN', { username: 'penstock', password: 'wrong' })],
    ['with another user', sasl('PLAIN', { ...credentials, username: 'admin' })],
    ['with another mechanism', sasl('SCRAM-SHA-256')],
  ])('kcat sees nothing %s', async (_how, args) => {
    const run = await kcat(['-L', '-m', '3', ...args])
    expect(run.code).not.toBe(0)
    expect(run.stdout).not.toContain('secret')
  })

  it('kafkajs works with it, and is told that a wrong one is wrong', async () => {
    const kafka = (password: string): Kafka =>
      new Kafka({
        brokers: [harness.bootstrap],
        sasl: { mechanism: 'plain', username: 'penstock', password },
        logLevel: logLevel.NOTHING,
        retry: { retries: 0 },
      })
    const admin = kafka(credentials.password).admin()
    await admin.connect()
    expect(await admin.listTopics()).toContain('secret')
    await admin.disconnect()
    await expect(kafka('wrong').admin().connect()).rejects.toThrow(/Invalid username or password/)
  })

  it('the client of the worker works with it, and fails for good with a wrong one', async () => {
    const connect = (password: string): Promise<KafkaClient> =>
      KafkaClient.connect({
        bootstrapServers: harness.bootstrap,
        security: { tls: null, sasl: { mechanism: 'PLAIN', username: 'penstock', password } },
        clientId: 'worker',
        clock: systemClock,
        logger: quietLogger(),
      })
    const client = await connect(credentials.password)
    expect(client.clusterId).toMatch(/\S/)
    await client.close()
    await expect(connect('wrong')).rejects.toThrow(AuthenticationError)
  })
})
