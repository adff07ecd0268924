import type { Converter, ConverterPlugin, HeaderConverterPlugin, SchemaAndValue } from '../../api/converter.ts'
import { DataError } from '../../api/errors.ts'
import type { RawHeader } from '../../api/record.ts'
import { primitive } from '../../api/schema.ts'
import { givenConfig } from '../connector/given-config.ts'
import { describeError, type CaseRun } from '../contract/case-run.ts'
import { caseMaker, type ContractCase } from '../contract/contract-case.ts'
import { rules } from '../contract/rules.ts'
import { frozen } from '../data/frozen.ts'
import { plainValues, sampleValues } from '../data/sample-values.ts'
import { shown, textOf, valueFault } from '../data/value-fault.ts'
import { optionCases, type PluginOptions } from './plugin-cases.ts'
import { whenReady } from './when-ready.ts'

export interface ConverterContractOptions extends PluginOptions<ConverterPlugin | HeaderConverterPlugin> {
  /** Values that come back from their bytes as they are. At least one. */
  readonly values: readonly SchemaAndValue[]
  /** Bytes that are no value. Default none: a converter of bytes accepts all. */
  readonly undecodable?: readonly Uint8Array[] | undefined
}

const topic = 'contract'
/** Returns the cases that a converter or a header converter has to pass. */
export function converterContract(options: ConverterContractOptions): readonly ContractCase[] {
  const { plugin, values, undecodable = [] } = options
  const make = caseMaker(plugin.className, options)
  return [
    ...optionCases(options),
    make('returns values as they were', async (run) => await returnsValues(run, converterOf(options), values)),
    make('keeps a missing value missing', async (run) => await keepsMissing(run, converterOf(options))),
    make(
      'converts every value, or refuses it with a DataError',
      async (run) => await refusesByName(run, converterOf(options)),
    ),
    make('refuses bytes that are no value with a DataError', async (run) => {
      for (const bytes of undecodable)
        await refuses(run, `toConnect(${textOf(bytes)})`, () => converterOf(options).toConnect(topic, bytes, []))
    }),
    make('is independent of other instances', async (run) => await isIndependent(run, options)),
  ]
}

/** A header converter is a converter with the key of the header. */
function converterOf({ plugin, config = {} }: ConverterContractOptions, isKey = false): Converter {
  const given = givenConfig(plugin.configDef, config)
  if (plugin.kind === 'converter') return plugin.create(given.config, given.raw, isKey)
  const converter = plugin.create(given.config, given.raw)
  return {
    fromConnect: (name, schema, value) => converter.fromConnectHeader(name, 'key', schema, value),
    toConnect: (name, bytes) => converter.toConnectHeader(name, 'key', bytes),
  }
}

async function returnsValues(run: CaseRun, converter: Converter, values: readonly SchemaAndValue[]): Promise<void> {
  for (const { schema, value } of values) {
    const before = textOf([schema, value])
    const { bytes, headers } = await toBytes(run, converter, { schema, value })
    const back = await run.call(
      `toConnect(${textOf(bytes)})`,
      rules.converter,
      async () => await whenReady(run, () => converter.toConnect(topic, bytes, headers)),
    )
    const fault = valueFault(back.schema, back.value)
    if (fault !== null)
      throw run.broken(rules.value, `toConnect returned a value that does not match its schema: ${fault}.`)
    if (textOf(back.value) !== textOf(value))
      throw run.broken(rules.converter, `${textOf(value)} came back as ${textOf(back.value)}.`)
    if (textOf([schema, value]) !== before)
      throw run.broken(rules.converter, `fromConnect changed the value ${before}.`)
  }
}

/** A value in bytes, with the headers that its record gets. */
interface Converted {
  readonly bytes: Uint8Array | null
  readonly headers: readonly RawHeader[]
}

/** Copied: the next call may overwrite the bytes. */
async function toBytes(run: CaseRun, converter: Converter, { schema, value }: SchemaAndValue): Promise<Converted> {
  let headers: RawHeader[] = []
  const what = `fromConnect(${schema?.type ?? 'no schema'}, ${textOf(value)})`
  const bytes: unknown = await run.call(
    what,
    rules.converter,
    async () =>
      await whenReady(run, () => {
        headers = []
        return refusePromise(run, converter.fromConnect(topic, schema, frozen(value), headers))
      }),
  )
  if (bytes === null) return { bytes, headers }
  if (!(bytes instanceof Uint8Array))
    throw run.broken(rules.converter, `${what} returned ${shown(bytes)}, neither bytes nor null.`)
  return { bytes: Uint8Array.from(bytes), headers }
}

function refusePromise<T>(run: CaseRun, result: T): T {
  if (result instanceof Promise) throw run.broken(rules.converter, 'it returned a promise.')
  return result
}

async function keepsMissing(run: CaseRun, converter: Converter): Promise<void> {
  const { bytes } = await toBytes(run, converter, { schema: null, value: null })
  if (bytes !== null)
    throw run.broken(rules.tombstone, `fromConnect of null without a schema returned ${bytes.length} bytes.`)
  const { value } = await run.call(
    'toConnect(null)',
    rules.converter,
    async () => await whenReady(run, () => converter.toConnect(topic, null, [])),
  )
  if (value !== null) throw run.broken(rules.tombstone, `toConnect(null) returned the value ${textOf(value)}.`)
}

async function refusesByName(run: CaseRun, converter: Converter): Promise<void> {
  const wrong: readonly SchemaAndValue[] = [
    { schema: primitive('INT32'), value: 'no number' },
    { schema: primitive('STRING'), value: [1] },
    { schema: primitive('BYTES'), value: 'no bytes' },
  ]
  for (const { schema, value } of [...sampleValues, ...plainValues, ...wrong]) {
    try {
      await whenReady(run, () => converter.fromConnect(topic, schema, frozen(value), []))
    } catch (error) {
      if (error instanceof DataError) continue
      const did = `fromConnect(${schema?.type ?? 'no schema'}, ${textOf(value)}) threw ${describeError(error)}.`
      throw run.broken(rules.undecodable, did, error)
    }
  }
}

async function refuses(run: CaseRun, what: string, action: () => unknown): Promise<void> {
  let result: unknown
  try {
    result = await whenReady(run, action)
  } catch (error) {
    if (error instanceof DataError) return
    throw run.broken(rules.undecodable, `${what} threw ${describeError(error)}.`, error)
  }
  throw run.broken(rules.undecodable, `${what} returned ${textOf(result)}.`)
}

/** A task has one instance for keys and one for values; a thread has those of several tasks. */
async function isIndependent(run: CaseRun, options: ConverterContractOptions): Promise<void> {
  const [one, other] = [converterOf(options, true), converterOf(options, false)]
  for (const value of options.values) {
    const convert = async (by: Converter, each: SchemaAndValue): Promise<Uint8Array | null> =>
      await whenReady(run, () => by.fromConnect(topic, each.schema, each.value, []))
    const bytes = await convert(one, value)
    const copy = textOf(bytes)
    for (const each of options.values) await convert(other, each)
    if (textOf(bytes) !== copy)
      throw run.broken(rules.converter, 'a call of another instance overwrote the bytes of this one.')
    if (options.plugin.kind === 'converter') continue
    for (const each of options.values) await convert(one, each)
    if (textOf(bytes) !== copy) throw run.broken(rules.headerBytes, 'the next call overwrote the bytes of a header.')
  }
}
