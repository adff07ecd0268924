import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { ConfigError } from '../../../src/api/errors.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { LogLevels } from '../../../src/foundation/logging/log-levels.ts'
import type { ConnectorListener } from '../../../src/runtime/connector-listener.ts'
import { PluginThreads } from '../../../src/runtime/plugin-threads.ts'
import { testPlugins } from '../../support/plugins/descriptors.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { untilPasses } from '../../support/until.ts'

const secret = 'S3cret"of\\this-test'
const reference = '${env:CP_THREAD_SECRET}'
const config = { 'connector.class': 'test.LeakyConnector', name: 'c', password: reference }
const listener = {
  onReconfigure: vi.fn<ConnectorListener['onReconfigure']>(),
  onConnectorFailed: vi.fn<ConnectorListener['onConnectorFailed']>(),
  onConnectorSecrets: vi.fn<ConnectorListener['onConnectorSecrets']>(),
  onConnectorsLost: vi.fn<ConnectorListener['onConnectorsLost']>(),
}
const write = vi.fn<(...line: unknown[]) => void>()
let threads: PluginThreads

beforeEach(() => {
  vi.clearAllMocks()
  vi.stubEnv('CP_THREAD_SECRET', secret)
  threads = new PluginThreads({
    foundPlugins: testPlugins,
    providers: { settings: [{ name: 'env', className: 'EnvVarConfigProvider', params: {} }], secrets: [] },
    logLevels: LogLevels.startingAt('trace'),
    logSink: { write },
    logger: quietLogger(),
    clock: systemClock,
    listener,
  })
})
afterEach(async () => {
  await threads.close()
  vi.unstubAllEnvs()
})

/** Everything that an error says. */
async function failureOf(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => new TypeError('it did not fail'),
    (thrown: unknown) => thrown as Error,
  )
  return `${error.message}\n${error.stack}\n${JSON.stringify(error)}`
}

function expectRedacted(text: string): void {
  expect(text).toContain(reference)
  expect(text).not.toContain('S3cret')
}

describe('a plugin thread', () => {
  it('starts a connector with the values of its references, and returns task configs without them (I8)', async () => {
    await threads.startConnector('c', config)
    expect(await threads.taskConfigs('c', 1)).toEqual([
      { ...config, 'task.secret': reference, 'task.url': `pg://u:${reference}@h` },
    ])
  })

  it('resolves the references again at the next start', async () => {
    await threads.startConnector('c', { ...config, leak: 'throw' }).catch(() => undefined)
    await threads.startConnector('c', config)
    expect(JSON.stringify(await threads.taskConfigs('c', 1))).not.toContain('S3cret')
  })

  it('rejects task configs that hold a secret in another form', async () => {
    await threads.startConnector('c', { ...config, leak: 'hidden' })
    const failing = threads.taskConfigs('c', 1)
    await expect(failing).rejects.toMatchObject({ code: 'SECRET_IN_TASK_CONFIG' })
    expect(await failureOf(failing)).not.toContain(Buffer.from(`u:${secret}`).toString('base64'))
  })

  it('has references for secrets in the error of a start, with its causes', async () => {
    expectRedacted(await failureOf(threads.startConnector('c', { ...config, leak: 'throw' })))
  })

  it('has references for secrets in the trace of a connector that fails later', async () => {
    await threads.startConnector('c', { ...config, leak: 'raise' })
    await untilPasses(() => expect(listener.onConnectorFailed).toHaveBeenCalled())
    expectRedacted(listener.onConnectorFailed.mock.calls[0]?.[1].trace ?? '')
  })

  it('has references for secrets in the reason of its death', async () => {
    await threads.startConnector('c', { ...config, leak: 'crash' }).catch(() => undefined)
    await untilPasses(() => expect(listener.onConnectorsLost).toHaveBeenCalled())
    const [, cause] = listener.onConnectorsLost.mock.calls[0] ?? []
    expectRedacted(`${cause?.message}\n${cause?.stack}\n${String(cause?.cause)}`)
  })

  it('has references for secrets in log lines and their fields', async () => {
    await threads.startConnector('c', { ...config, leak: 'log' })
    await untilPasses(() => expect(write).toHaveBeenCalledTimes(2))
    for (const line of write.mock.calls) expectRedacted(JSON.stringify(line))
    expect(write.mock.calls[0]?.[3]).toMatchObject({ secret: reference, deep: [{ secret: reference }] })
  })

  it('has references for secrets in the result of a validation', async () => {
    const infos = await threads.validate({ ...config, 'leak.check': 'password' }, { groupId: 'g' })
    const password = infos.configs.find(({ value }) => value.name === 'password')
    expect(password?.value).toMatchObject({ value: reference, errors: [`not ${reference}`] })
    expectRedacted(JSON.stringify(infos))
    const elsewhere = await threads.validate({ ...config, 'leak.check': 'name' }, { groupId: 'g' })
    expect(elsewhere.configs.find(({ value }) => value.name === 'name')?.value.errors).toEqual([`not ${reference}`])
  })

  it('checks changes of offsets with the values, and has references in the error', async () => {
    expectRedacted(await failureOf(threads.alterOffsets('c', config, { kind: 'source', changes: [] })))
  })

  it.each([
    ['a start', () => threads.startConnector('c', { ...config, password: '${env:CP_NONE}' })],
    [
      'a change of offsets',
      () => threads.alterOffsets('c', { ...config, password: '${env:CP_NONE}' }, { kind: 'source', changes: [] }),
    ],
  ])('fails %s with the name of a reference that cannot be resolved', async (_what, act) => {
    const failing = act()
    await expect(failing).rejects.toBeInstanceOf(ConfigError)
    await expect(failing).rejects.toMatchObject({
      code: 'REFERENCE_UNRESOLVED',
      message:
        'REFERENCE_UNRESOLVED: Configuration "password": the reference ${env:CP_NONE} cannot be resolved by config provider "env": there is no key "CP_NONE"',
    })
  })
})
