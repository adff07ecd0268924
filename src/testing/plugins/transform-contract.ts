import type { PredicatePlugin, TransformPlugin } from '../../api/converter.ts'
import { DataError } from '../../api/errors.ts'
import type { ConnectRecord } from '../../api/record.ts'
import { givenConfig } from '../connector/given-config.ts'
import { describeError, type CaseRun } from '../contract/case-run.ts'
import { caseMaker, type ContractCase } from '../contract/contract-case.ts'
import { ContractError } from '../contract/contract-error.ts'
import { rules } from '../contract/rules.ts'
import { frozen } from '../data/frozen.ts'
import { connectRecordFault } from '../data/record-fault.ts'
import { sampleRecords } from '../data/sample-values.ts'
import { shown, textOf } from '../data/value-fault.ts'
import { optionCases, type PluginOptions } from './plugin-cases.ts'
import { whenReady } from './when-ready.ts'

export interface TransformContractOptions extends PluginOptions<TransformPlugin> {
  /** Records that the transform is for. Records of every form are tried in addition. */
  readonly records?: readonly ConnectRecord[] | undefined
}

export interface PredicateContractOptions extends PluginOptions<PredicatePlugin> {
  /** Records that meet the condition. */
  readonly met?: readonly ConnectRecord[] | undefined
  /** Records that do not. */
  readonly unmet?: readonly ConnectRecord[] | undefined
}

/** Fields that a record has in addition: those of source records and those of sink records. */
const additions: readonly Readonly<Record<string, unknown>>[] = [
  { sourcePartition: { a: 1 }, sourceOffset: { position: 7 } },
  {
    partition: 3,
    offset: 7,
    timestampType: 'CreateTime',
    originalTopic: 'original',
    originalPartition: 5,
    originalOffset: 9,
  },
]

/** Returns the cases that a transform has to pass. */
export function transformContract(options: TransformContractOptions): readonly ContractCase[] {
  const { plugin, config = {}, records = [] } = options
  const make = caseMaker(plugin.className, options)
  const create = (): ReturnType<TransformPlugin['create']> => {
    const given = givenConfig(plugin.configDef, config)
    return plugin.create(given.config, given.raw)
  }
  const applied = async (run: CaseRun, record: ConnectRecord): Promise<ConnectRecord | null> => {
    const transform = create()
    const { result } = await outcomeOf(run, `apply(${textOf(record)})`, () => transform.apply(record))
    if (result === null) return null
    if (typeof result !== 'object' || result instanceof Promise || !('topic' in result))
      throw run.broken(
        rules.transform,
        `apply returned ${result instanceof Promise ? 'a promise' : shown(result)}, neither a record nor null.`,
      )
    return result as ConnectRecord
  }
  return [
    ...optionCases(options),
    make('returns a record or null, and changes nothing', async (run) => {
      for (const record of [...records, ...sampleRecords('contract')]) {
        const result = await applied(run, frozen({ ...record }))
        const fault = result === null ? null : connectRecordFault(result)
        if (fault !== null) throw run.broken(fault.rule, `${fault.did}. The record before: ${textOf(record)}`)
      }
    }),
    make('keeps the fields of source records and of sink records', async (run) => {
      for (const record of [...records, ...sampleRecords('contract')]) await keepsFields(run, record, applied)
    }),
    make('returns the same for the same record', async (run) => {
      const transform = create()
      for (const record of [...records, ...sampleRecords('contract')]) {
        const result = async (): Promise<string> =>
          textOf((await outcomeOf(run, `apply(${textOf(record)})`, () => transform.apply(record))).result)
        const [first, again] = [await result(), await result()]
        if (first !== again)
          throw run.broken(rules.transform, `the same record became ${first} first, and ${again} then.`)
      }
    }),
  ]
}

async function keepsFields(
  run: CaseRun,
  record: ConnectRecord,
  applied: (run: CaseRun, record: ConnectRecord) => Promise<ConnectRecord | null>,
): Promise<void> {
  for (const addition of additions) {
    const result = await applied(run, frozen({ ...record, ...addition }))
    if (result === null) continue
    // Transforms may change the partition of a record.
    const lost = Object.entries(addition).find(
      ([name, value]) => name !== 'partition' && textOf(Reflect.get(result, name)) !== textOf(value),
    )
    if (lost === undefined) continue
    throw run.broken(
      rules.transform,
      `the field ${lost[0]} was ${textOf(lost[1])}, and is ${textOf(Reflect.get(result, lost[0]))}. Return \`{ ...record, … }\`.`,
    )
  }
}

/** In an object, because a promise that a plugin returns would be awaited otherwise. */
interface Outcome {
  readonly result: unknown
}

/** A transform may refuse a record: then the result is null. */
async function outcomeOf(run: CaseRun, what: string, action: () => unknown): Promise<Outcome> {
  try {
    return await whenReady(run, () => ({ result: action() }))
  } catch (error) {
    if (error instanceof DataError) return { result: null }
    if (error instanceof ContractError) throw error
    throw run.broken(
      rules.errors,
      `${what} threw ${describeError(error)}. Throw a DataError for a record that cannot be transformed.`,
      error,
    )
  }
}

/** Returns the cases that a predicate has to pass. */
export function predicateContract(options: PredicateContractOptions): readonly ContractCase[] {
  const { plugin, config = {}, met = [], unmet = [] } = options
  const make = caseMaker(plugin.className, options)
  const tested = async (run: CaseRun, record: ConnectRecord): Promise<boolean> => {
    const given = givenConfig(plugin.configDef, config)
    const predicate = plugin.create(given.config, given.raw)
    const { result } = await outcomeOf(run, `test(${textOf(record)})`, () => predicate.test(frozen({ ...record })))
    if (typeof result === 'boolean') return result
    throw run.broken(
      rules.predicate,
      `test returned ${result instanceof Promise ? 'a promise' : shown(result)}, not true or false.`,
    )
  }
  return [
    ...optionCases(options),
    make('tests records of every form, and the same one equally', async (run) => {
      for (const record of [...met, ...unmet, ...sampleRecords('contract')])
        if ((await tested(run, record)) !== (await tested(run, record)))
          throw run.broken(rules.predicate, `two tests of the record ${textOf(record)} had different results.`)
    }),
    make('tells the records apart', async (run) => {
      const wanted = [...met.map((record) => ({ record, is: true })), ...unmet.map((record) => ({ record, is: false }))]
      for (const { record, is } of wanted)
        if ((await tested(run, record)) !== is)
          throw run.broken(rules.predicate, `test returned ${String(!is)} for ${textOf(record)}.`)
    }),
  ]
}
