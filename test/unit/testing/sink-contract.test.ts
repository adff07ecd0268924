import { open, type FileHandle } from 'node:fs/promises'

import {
  ConnectError,
  RetriableError,
  type DurableOffset,
  type OffsetToCommit,
  type SinkRecord,
  type SinkTaskContext,
} from 'penstock/api'
import { sinkContract, type SinkContractOptions } from 'penstock/testing'
import { afterAll, describe, expect, it } from 'vitest'

import { brokenWaitMs, violationOf } from '../../support/testing/contract-runs.ts'
import { CollectingTask, collectingPlugin, idOf, prepareTarget } from '../../support/testing/number-sink.ts'
import { patienceMs } from '../../support/until.ts'

const options = {
  prepare: prepareTarget,
  unusable: { target: 'none' },
  interrupt: async ({ target }: ReturnType<typeof prepareTarget>) => {
    target.isAway = true
    return async () => void (target.isAway = false)
  },
}

type Options = SinkContractOptions<ReturnType<typeof prepareTarget>>

function cases(parts: Partial<Options>): ReturnType<typeof sinkContract> {
  return sinkContract({ plugin: collectingPlugin(), waitMs: brokenWaitMs, ...options, ...parts })
}

describe('a sink that holds its contract', () => {
  for (const { name, run } of cases({ waitMs: patienceMs })) it(name, run)
})

class Hasty extends CollectingTask {
  override async preCommit(current: readonly OffsetToCommit[]): Promise<readonly DurableOffset[]> {
    return current
  }
}
class TooFar extends CollectingTask {
  override async preCommit(current: readonly OffsetToCommit[]): Promise<readonly DurableOffset[]> {
    await this.flush()
    return current.map((at) => ({ ...at, offset: at.offset + 1 }))
  }
}
class Keeps extends CollectingTask {
  override async close(): Promise<void> {}
}
class Lazy extends CollectingTask {
  override async flush(): Promise<void> {}
}
class NeedsRecords extends CollectingTask {
  override async put(records: readonly SinkRecord[]): Promise<void> {
    if (records.length === 0) missing()
    await super.put(records)
  }
}
class Changes extends CollectingTask {
  override async put(records: readonly SinkRecord[]): Promise<void> {
    for (const record of records) Object.assign(record, { value: String(record.value) })
    await super.put(records)
  }
}
class Appends extends CollectingTask {
  override write(record: SinkRecord): void {
    const name = idOf(record)
    const { durable } = this.target
    durable.set(durable.has(name) ? `${name} ` : name, 'again')
  }
}
class NeedsValues extends CollectingTask {
  override async put(records: readonly SinkRecord[]): Promise<void> {
    for (const { value } of records) if (value === null) missing()
    await super.put(records)
  }
}
class RefusesTombstones extends CollectingTask {
  override async put(records: readonly SinkRecord[]): Promise<void> {
    if (records.some(({ value }) => value === null)) throw new ConnectError('no value', { code: 'NO_VALUE' })
    await super.put(records)
  }
}
class RetriesWithoutTarget extends CollectingTask {
  override async start(context: SinkTaskContext): Promise<void> {
    this.context = context
  }
  override async put(records: readonly SinkRecord[]): Promise<void> {
    try {
      await super.put(records)
    } catch (cause) {
      throw new RetriableError('there is no target yet', { code: 'NO_TARGET', cause })
    }
  }
}
class CommitsOnce extends CollectingTask {
  readonly #returned = new Set<string>()
  override async preCommit(current: readonly OffsetToCommit[]): Promise<readonly DurableOffset[]> {
    const offsets = await super.preCommit(current)
    const fresh = offsets.filter((at) => !this.#returned.has(JSON.stringify(at)))
    for (const at of fresh) this.#returned.add(JSON.stringify(at))
    return fresh
  }
}
class ByNewName extends CollectingTask {
  override partitionOf({ topic, partition }: SinkRecord): string {
    return `${topic}-${partition}`
  }
}
class LosesWhileAway extends CollectingTask {
  override async put(records: readonly SinkRecord[]): Promise<void> {
    if (!this.target.isAway) await super.put(records)
  }
}
class RetriesByItself extends CollectingTask {
  override async put(records: readonly SinkRecord[]): Promise<void> {
    while (this.target.isAway) await this.context?.clock.sleep(10)
    await super.put(records)
  }
}
class GivesUp extends CollectingTask {
  override async put(records: readonly SinkRecord[]): Promise<void> {
    if (this.target.isAway) throw new ConnectError('the target is away')
    await super.put(records)
  }
}
class Remembers extends CollectingTask {
  readonly #seen = new Set<string>()
  override async put(records: readonly SinkRecord[]): Promise<void> {
    await super.put(records.filter((record) => !this.#seen.has(idOf(record))))
    for (const record of records) this.#seen.add(idOf(record))
  }
}
/** Node warns of files that are collected. */
const opened: FileHandle[] = []
afterAll(async () => {
  for (const file of opened) await file.close().catch(() => undefined)
})

class LeavesFile extends CollectingTask {
  #file: FileHandle | null = null
  override async start(context: SinkTaskContext): Promise<void> {
    await super.start(context)
    this.#file = await open(import.meta.filename, 'r')
    opened.push(this.#file)
  }
  override async stop(): Promise<void> {
    await this.#file?.close()
    this.#file = null
  }
}

describe('the suite for sinks', () => {
  it.each([
    [Hasty, 'returns no offset that is not durable', 'but the target does not have record 0'],
    [
      TooFar,
      'delivers records of several topics, and batches without records',
      'although the task received only records before',
    ],
    [Keeps, 'gives partitions up and takes them back', 'which is not assigned to the task'],
    [Lazy, 'delivers records of several topics, and batches without records', 'of flush and preCommit committed only'],
    [NeedsRecords, 'delivers records of several topics, and batches without records', 'put() threw TypeError'],
    [
      Changes,
      'delivers records of several topics, and batches without records',
      'threw TypeError: Cannot assign to read only property',
    ],
    [NeedsValues, 'takes records without a value, or says why not', 'threw TypeError'],
    [
      ByNewName,
      'returns the offsets of the topics that were read, whatever transforms call them',
      'of second-0, which is not assigned to the task',
    ],
    [CommitsOnce, 'continues after commits that failed', 'of flush and preCommit committed only'],
    [LosesWhileAway, 'continues when its system is reachable again', 'but the target does not have record'],
    [GivesUp, 'continues when its system is reachable again', 'which is not retried'],
    [RetriesByItself, 'stops while its system is unreachable', 'did not return within'],
    [Remembers, 'takes partitions back that were lost', 'of flush and preCommit committed only'],
    [Appends, 'takes the same records again after a crash', 'which was not delivered'],
    [LeavesFile, 'stops while it starts', 'a file, opened at '],
  ])('sees a fault of the task: %o', async (Task, name, text) => {
    expect((await violationOf(cases({ plugin: collectingPlugin(Task) }), name)).message).toContain(text)
  })

  it('sees a record that is written twice, unless the sink repeats records', async () => {
    const twice = (): ReturnType<typeof prepareTarget> => {
      const fixture = prepareTarget()
      return { ...fixture, delivered: () => [...fixture.target.durable.keys()].map((name) => name.trim()) }
    }
    const name = 'takes the same records again after a crash'
    const plugin = collectingPlugin(Appends)
    expect((await violationOf(cases({ plugin, prepare: twice }), name)).message).toContain('twice')
    const repeating = cases({ plugin, prepare: twice, repeats: true, waitMs: patienceMs })
    await repeating.find((each) => each.name === name)?.run()
  })

  it('lets a sink retry what a config makes impossible, because the status shows why', async () => {
    const retrying = cases({ plugin: collectingPlugin(RetriesWithoutTarget), waitMs: patienceMs })
    await retrying.find((each) => each.name === 'names why it cannot work, and stops then')?.run()
  })

  it('lets a sink refuse records without a value, by name', async () => {
    const refusing = cases({ plugin: collectingPlugin(RefusesTombstones), waitMs: patienceMs })
    await refusing.find((each) => each.name === 'takes records without a value, or says why not')?.run()
  })
})

function missing(): never {
  throw new TypeError('cannot read property of undefined')
}
