import {
  ConnectError,
  systemClock,
  type ConfigDef,
  type Connector,
  type SourceOffset,
  type SourceRecord,
  type SourceTaskContext,
} from 'penstock/api'
import { ContractError, sourceContract, type SourceContractOptions } from 'penstock/testing'
import { describe, expect, it } from 'vitest'

import { brokenWaitMs, violationOf } from '../../support/testing/contract-runs.ts'
import { numberDef, numberPlugin, NumberTask, prepareNumbers } from '../../support/testing/number-source.ts'
import { patienceMs } from '../../support/until.ts'

const options = {
  prepare: prepareNumbers,
  wrong: [],
  unusable: { system: 'none' },
  interrupt: async ({ system }: ReturnType<typeof prepareNumbers>) => {
    system.isAway = true
    system.add(0)
    return async () => void (system.isAway = false)
  },
}

type Options = SourceContractOptions<ReturnType<typeof prepareNumbers>>

function cases(parts: Partial<Options>): ReturnType<typeof sourceContract> {
  return sourceContract({ plugin: numberPlugin(), waitMs: brokenWaitMs, ...options, ...parts })
}

describe('a source that holds its contract', () => {
  for (const { name, run } of cases({ waitMs: patienceMs })) it(name, run)
})

class OffsetOfBatch extends NumberTask {
  override take(): SourceRecord[] {
    const position = Math.min(this.next + 2, this.system.numbers.length)
    return super.take().map((record) => Object.assign(record, { sourceOffset: { position } }))
  }
}
class FromTheBeginning extends NumberTask {
  override startOf(): number {
    return 0
  }
}
class OneTooFar extends NumberTask {
  override startOf(stored: SourceOffset | null): number {
    return stored === null ? 0 : super.startOf(stored) + 1
  }
}
class DeafToTheSignal extends NumberTask {
  override async poll(): Promise<readonly SourceRecord[] | null> {
    return await super.poll(new AbortController().signal)
  }
}
class LosesOnAbort extends NumberTask {
  override async poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    if (this.next === this.system.numbers.length) return await super.poll(signal)
    const records = this.take()
    await Promise.resolve()
    return signal.aborted ? null : records
  }
}
class OneOffsetObject extends NumberTask {
  readonly #offset: Record<string, number> = {}
  override record(number: number, position: number): SourceRecord {
    this.#offset['position'] = position
    return { ...super.record(number, position), sourceOffset: this.#offset }
  }
}
class TextForNumbers extends NumberTask {
  override record(number: number, position: number): SourceRecord {
    return { ...super.record(number, position), value: String(number) }
  }
}
class NestedOffset extends NumberTask {
  override record(number: number, position: number): SourceRecord {
    return { ...super.record(number, position), sourceOffset: { at: { position } } as unknown as SourceOffset }
  }
}
class Unnamed extends NumberTask {
  override async poll(): Promise<null> {
    throw new TypeError('cannot read property of undefined')
  }
}
class NotRetriable extends NumberTask {
  override away(): Error {
    return new ConnectError('the system is away')
  }
}
class WithoutOffsets extends NumberTask {
  override async start(context: SourceTaskContext): Promise<void> {
    const readOffsets: SourceTaskContext['readOffsets'] = async (partitions) =>
      await context.readOffsets(partitions).catch(() => partitions.map(() => null))
    await super.start({ ...context, readOffsets })
  }
}
class LeavesTimer extends NumberTask {
  override async start(context: SourceTaskContext): Promise<void> {
    await super.start(context)
    context.clock.every(60_000, () => undefined)
  }
}
class LeavesWork extends NumberTask {
  override async stop(): Promise<void> {
    const { context } = this
    void context?.clock.sleep(1).then(() => context.setCondition('LATE', 'after the end'))
  }
}
class StopsOnce extends NumberTask {
  #stopped = false
  override async stop(): Promise<void> {
    if (this.#stopped) throw new TypeError('stopped already')
    this.#stopped = true
  }
}
class OpensAfterStop extends NumberTask {
  #cancel = (): void => undefined
  override async start(context: SourceTaskContext): Promise<void> {
    await super.start(context)
    await context.clock.sleep(1)
    this.#cancel = systemClock.every(60_000, () => undefined)
  }
  override async stop(): Promise<void> {
    this.#cancel()
  }
}
class SilentlyUnusable extends NumberTask {
  override async start(context: SourceTaskContext): Promise<void> {
    this.context = context
  }
  override async poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    await this.context?.clock.sleep(60_000, signal).catch(() => undefined)
    return null
  }
}
class WatchesWhileAway extends NumberTask {
  override away(): Error {
    this.context?.clock.every(60_000, () => undefined)
    return super.away()
  }
}
class Twice extends NumberTask {
  override take(): SourceRecord[] {
    return super.take().flatMap((record) => [record, record])
  }
}
class Backwards extends NumberTask {
  override take(): SourceRecord[] {
    return super.take().toReversed()
  }
}

describe('the suite for sources', () => {
  it.each([
    [OffsetOfBatch, 'resumes exactly after the offset of any record', 'the record 2 was not delivered'],
    [FromTheBeginning, 'resumes exactly after the offset of any record', 'the record 1 was delivered twice'],
    [OneTooFar, 'resumes exactly after the offset of any record', 'was not delivered'],
    [DeafToTheSignal, 'ends poll when its signal fires, and loses nothing', 'poll did not return within'],
    [LosesOnAbort, 'ends poll when its signal fires, and loses nothing', 'poll returned'],
    [OneOffsetObject, 'delivers all records in order', 'when poll returned it'],
    [TextForNumbers, 'delivers all records in order', 'but its schema is INT64'],
    [NestedOffset, 'delivers all records in order', 'It is stored as JSON'],
    [Twice, 'delivers all records in order', 'was delivered twice'],
    [Backwards, 'delivers all records in order', 'was delivered too late'],
    [Unnamed, 'delivers all records in order', 'poll threw TypeError: cannot read property of undefined'],
    [NotRetriable, 'continues when its system is reachable again', 'which is not retried'],
    [WatchesWhileAway, 'stops while its system is unreachable', 'a timer, opened at '],
    [WithoutOffsets, 'does not start without its stored offsets', 'returned records all the same'],
    [LeavesTimer, 'leaves nothing open when it stops', 'a timer, opened at '],
    [LeavesWork, 'leaves nothing open when it stops', 'context.setCondition(LATE, after the end) after stop'],
    [StopsOnce, 'leaves nothing open when it stops', 'stop threw TypeError: stopped already'],
    [OpensAfterStop, 'stops while it starts', 'a timer, opened at '],
    [SilentlyUnusable, 'names why it cannot work, and stops then', 'neither failed nor raised a condition'],
  ])('sees a fault of the task: %o', async (Task, name, text) => {
    const violation = await violationOf(cases({ plugin: numberPlugin(Task) }), name)
    expect(violation.message).toContain(text)
  })

  const withDef = (parts: ConfigDef): Partial<Options> => ({
    plugin: numberPlugin(NumberTask, { configDef: { ...numberDef, ...parts } }),
  })
  const extra = { type: 'INT', importance: 'LOW', doc: 'More.', defaultValue: 1 } as const
  it.each([
    [
      'a validator that throws',
      withDef({ extra: { ...extra, validator: (_key, value) => String(value).at(0)?.at(1) ?? missing() } }),
      'describes its options',
      'the validator of extra with null threw TypeError',
    ],
    [
      'a default value that is refused',
      withDef({ extra: { ...extra, validator: () => 'never' } }),
      'describes its options',
      'the default value of extra is refused',
    ],
    [
      'an option without a text',
      withDef({ extra: { ...extra, doc: '' } }),
      'describes its options',
      'the option extra has no "doc"',
    ],
    [
      'too many task configs',
      { plugin: numberPlugin(NumberTask, { createConnector: () => connector({ taskConfigs: async () => [{}, {}] }) }) },
      'configures at most as many tasks as it may',
      'taskConfigs(1) returned 2 configs',
    ],
    [
      'task configs that differ',
      {
        plugin: numberPlugin(NumberTask, {
          createConnector: () => connector({ taskConfigs: async () => [{ system: String(Math.random()) }] }),
        }),
      },
      'configures at most as many tasks as it may',
      'returned different configs',
    ],
    [
      'a connector that cannot stop early',
      { plugin: numberPlugin(NumberTask, { createConnector: () => connector({ stop: async () => missing() }) }) },
      'stops its connector at any time, and leaves nothing open',
      'stop of the connector threw TypeError',
    ],
    [
      'a check that does not return',
      { plugin: numberPlugin(NumberTask, { check: async () => await new Promise(() => undefined) }) },
      'accepts its config',
      'check(config) did not return within',
    ],
    [
      'a check that finds a fault where there is none',
      { plugin: numberPlugin(NumberTask, { check: async () => [{ key: 'system', message: 'no' }] }) },
      'accepts its config',
      'has a problem of system: no',
    ],
    [
      'a check that throws',
      { plugin: numberPlugin(NumberTask, { check: async () => missing() }) },
      'accepts its config',
      'check(config) threw TypeError',
    ],
    [
      'a mistake that validation does not see',
      { wrong: [{ what: 'a large batch', change: { 'batch.size': '9000' }, names: ['batch.size'] }] },
      'names batch.size for a large batch',
      'has no problem, and none of batch.size',
    ],
  ] satisfies readonly (readonly [string, Partial<Options>, string, string])[])(
    'sees %s',
    async (_what, parts, name, text) => {
      expect((await violationOf(cases(parts), name)).message).toContain(text)
    },
  )

  it('says what the plugin did, what the contract says, and how to see it again', async () => {
    const violation = await violationOf(
      cases({ plugin: numberPlugin(OneTooFar) }),
      'resumes exactly after the offset of any record',
    )
    expect(violation).toBeInstanceOf(ContractError)
    expect(violation.message).toMatch(
      /^com\.acme\.NumberSource does not hold its contract: resumes exactly after the offset of any record\nwhat it did: {5}.*\n/,
    )
    expect(violation.message).toContain(
      'the contract:    SourceRecord.sourceOffset of penstock/api: "The position after this record.',
    )
    expect(violation.message).toMatch(
      /to see it again: run this case alone\. It made these calls:\n(?: {2}.*\n)* {2}start\n/,
    )
  })
})

function missing(): never {
  throw new TypeError('cannot read property of undefined')
}

function connector(parts: Partial<Connector>): Connector {
  return { start: async () => undefined, taskConfigs: async () => [{}], stop: async () => undefined, ...parts }
}
