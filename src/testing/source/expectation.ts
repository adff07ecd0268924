import type { SourceRecord } from '../../api/record.ts'
import type { CaseRun } from '../contract/case-run.ts'
import { rules, type Rule } from '../contract/rules.ts'
import { textOf } from '../data/value-fault.ts'
import type { SourceHost } from './source-host.ts'
import type { SourceFixture } from './source-options.ts'

/** Knows which records a source has to deliver, and compares. */
export class Expectation {
  readonly #run: CaseRun
  readonly #fixture: SourceFixture
  readonly #endless: boolean
  readonly #expected: string[] = []

  constructor(run: CaseRun, fixture: SourceFixture, endless: boolean) {
    this.#run = run
    this.#fixture = fixture
    this.#endless = endless
  }

  async add(count: number): Promise<void> {
    const added = await this.#fixture.add(count)
    this.#run.note(`add(${count}): ${textOf(added)}`)
    this.#expected.push(...added)
  }

  /** Returns how many of the records count. */
  count(records: readonly SourceRecord[]): number {
    return this.#named(records).length
  }

  /** Returns the records up to the first that counts. */
  firstOf(records: readonly SourceRecord[]): readonly SourceRecord[] {
    return records.slice(0, records.findIndex((record) => this.#fixture.identify(record) !== null) + 1)
  }

  /** Polls until the task has returned one record. If there is none, a record that earlier runs left out tells more. */
  async collectNext(host: SourceHost, durable: readonly SourceRecord[]): Promise<void> {
    try {
      await this.collect(host, 1)
    } catch (error) {
      this.check(durable, rules.sourceOffset)
      throw error
    }
  }

  /** Polls until the task has returned `count` records that count: by default all. */
  async collect(host: SourceHost, count = this.#expected.length): Promise<void> {
    // Records that do not count come in addition.
    for (let others = 0; this.count(host.records) < count;) {
      await host.collect(count + others)
      others = host.records.length - this.count(host.records)
    }
  }

  /** Checks that the records are the expected ones, each once, in order within its source partition. @throws ContractError */
  check(records: readonly SourceRecord[], rule: Rule): void {
    const names = new Set(this.#named(records).map(({ name }) => name))
    const missing = this.#expected.find((name) => !names.has(name))
    if (missing !== undefined) throw this.#failure(rule, records, `the record ${missing} was not delivered.`)
    this.checkNothingWrong(records, rule)
  }

  /** The same for records of which some may be missing. @throws ContractError */
  checkNothingWrong(records: readonly SourceRecord[], rule: Rule): void {
    const expected = this.#expected
    const found = this.#named(records)
    const known = found.filter(({ name }) => expected.includes(name))
    const names = known.map(({ name }) => name)
    const twice = names.find((name, index) => names.indexOf(name) !== index)
    if (twice !== undefined) throw this.#failure(rule, records, `the record ${twice} was delivered twice.`)
    const stranger = found.find(({ name }) => !expected.includes(name))
    if (stranger !== undefined && !this.#endless)
      throw this.#failure(rule, records, `the record ${stranger.name} was delivered, which does not exist.`)
    const late = outOfOrder(known, expected)
    if (late !== null) throw this.#failure(rule, records, `the record ${late} was delivered too late.`)
  }

  #failure(rule: Rule, records: readonly SourceRecord[], did: string): Error {
    const delivered = textOf(this.#named(records).map(({ name }) => name))
    return this.#run.broken(rule, `${did}\n  delivered: ${delivered}\n  expected:  ${textOf(this.#expected)}`)
  }

  #named(records: readonly SourceRecord[]): readonly Named[] {
    return records.flatMap((record) => {
      const name = this.#fixture.identify(record)
      return name === null ? [] : [{ name, partition: textOf(record.sourcePartition) }]
    })
  }
}

interface Named {
  readonly name: string
  readonly partition: string
}

/** Returns the first record that comes after a later one of its source partition; null if there is none. */
function outOfOrder(found: readonly Named[], expected: readonly string[]): string | null {
  const last = new Map<string, number>()
  for (const { name, partition } of found) {
    const at = expected.indexOf(name)
    if (at < (last.get(partition) ?? -1)) return name
    last.set(partition, at)
  }
  return null
}
