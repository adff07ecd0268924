import type { ConfigProvider, ConfigProviderPlugin } from '../../api/config-provider.ts'
import { ConnectError } from '../../api/errors.ts'
import { givenConfig } from '../connector/given-config.ts'
import type { CaseRun } from '../contract/case-run.ts'
import {
  caseMaker,
  withFixture,
  type Closable,
  type ContractCase,
  type SuiteOptions,
} from '../contract/contract-case.ts'
import { ContractError } from '../contract/contract-error.ts'
import { rules } from '../contract/rules.ts'
import { shown, textOf } from '../data/value-fault.ts'
import type { RawConfig } from '../../api/config-def.ts'
import { optionCases } from './plugin-cases.ts'

/** What a case of a config provider needs. */
export interface ConfigProviderFixture extends Closable {
  /** The parameters `config.providers.<name>.param.*` without this prefix. */
  readonly config: RawConfig
  /** A path with at least one value. */
  readonly path: string
  /** The values at this path. */
  readonly values: Readonly<Record<string, string>>
  /** A key without a value at this path. Undefined if the provider refuses such keys. */
  readonly missingKey?: string | undefined
  /** A path that cannot be read. */
  readonly unreadablePath: string
}

export interface ConfigProviderContractOptions extends SuiteOptions {
  readonly plugin: ConfigProviderPlugin
  readonly prepare: () => ConfigProviderFixture | Promise<ConfigProviderFixture>
}

/** Returns the cases that a config provider has to pass. */
export function configProviderContract(options: ConfigProviderContractOptions): readonly ContractCase[] {
  const { plugin, prepare } = options
  const make = caseMaker(plugin.className, options)
  const makeWith = (
    name: string,
    body: (run: CaseRun, fixture: ConfigProviderFixture, create: () => ConfigProvider) => Promise<void>,
  ): ContractCase =>
    make(name, async (run) => {
      await withFixture(run, prepare, async (fixture) => {
        run.watchWork()
        const given = givenConfig(plugin.configDef, fixture.config)
        await body(run, fixture, () => plugin.create(given.config, given.raw))
      })
    })
  return [
    ...optionCases({ ...options, config: {} }),
    makeWith('returns the values of the keys, and leaves nothing open', returnsValues),
    makeWith('names a path that cannot be read, without values', namesPath),
    makeWith('ends when the result is not needed any more', endsWhenAborted),
  ]
}

async function returnsValues(
  run: CaseRun,
  fixture: ConfigProviderFixture,
  create: () => ConfigProvider,
): Promise<void> {
  const { path, values, missingKey } = fixture
  const provider = create()
  const keys = [...Object.keys(values), ...(missingKey === undefined ? [] : [missingKey])]
  const found: unknown = await get(run, provider, { path, keys })
  if (typeof found !== 'object' || found === null) throw run.broken(rules.provider, `get returned ${shown(found)}.`)
  for (const [key, value] of Object.entries(values))
    if (Reflect.get(found, key) !== value)
      throw run.broken(
        rules.provider,
        `the value of ${key} is ${shown(Reflect.get(found, key))}, expected ${shown(value)}.`,
      )
  if (missingKey !== undefined && Object.hasOwn(found, missingKey))
    throw run.broken(
      rules.provider,
      `the key ${missingKey} has no value, and get returned ${shown(Reflect.get(found, missingKey))}.`,
    )
  await closes(run, provider)
}

async function namesPath(run: CaseRun, fixture: ConfigProviderFixture, create: () => ConfigProvider): Promise<void> {
  const { unreadablePath, values } = fixture
  const provider = create()
  const failure = await get(run, provider, { path: unreadablePath, keys: Object.keys(values) }).then(
    () => null,
    (error: unknown) => error,
  )
  if (failure instanceof ContractError) throw failure
  if (!(failure instanceof ConnectError))
    throw run.broken(rules.providerErrors, `get of ${unreadablePath} did not fail.`)
  const leaked = Object.entries(values).find(([, value]) => value !== '' && failure.message.includes(value))
  if (leaked !== undefined)
    throw run.broken(rules.providerErrors, `the error has the value of ${leaked[0]}: ${failure.message}`)
  await closes(run, provider)
}

async function endsWhenAborted(
  run: CaseRun,
  fixture: ConfigProviderFixture,
  create: () => ConfigProvider,
): Promise<void> {
  const provider = create()
  const aborted = AbortSignal.abort(new ConnectError('the result is not needed'))
  await get(run, provider, { path: fixture.path, keys: Object.keys(fixture.values), signal: aborted }).catch(
    (error: unknown) => {
      if (error instanceof ContractError) throw error
    },
  )
  await closes(run, provider)
}

async function closes(run: CaseRun, provider: ConfigProvider): Promise<void> {
  await run.call('close', rules.provider, async () => await provider.close?.())
  await run.nothingOpen(rules.provider, 'close')
}

interface Wanted {
  readonly path: string
  readonly keys: readonly string[]
  readonly signal?: AbortSignal
}

async function get(
  run: CaseRun,
  provider: ConfigProvider,
  { path, keys, signal = new AbortController().signal }: Wanted,
): Promise<Readonly<Record<string, string>>> {
  return await run.call(
    `get(${path}, ${textOf(keys)})`,
    rules.provider,
    async () => await provider.get(path, keys, signal),
  )
}
