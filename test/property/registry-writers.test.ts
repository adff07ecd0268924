import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { planSubjectDeletion } from '../../src/registry/operations/deletion.ts'
import { planRegistration } from '../../src/registry/operations/registration.ts'
import { RegistryError } from '../../src/registry/registry-error.ts'
import type { RegistryRecord } from '../../src/registry/state/registry-record.ts'
import { RegistryState } from '../../src/registry/state/registry-state.ts'

const writers = 3
const subjects = ['a', 'b']

type Step =
  | { readonly writer: number; readonly do: 'read'; readonly upTo: number }
  | { readonly writer: number; readonly do: 'register'; readonly subject: string; readonly schema: number }
  | { readonly writer: number; readonly do: 'delete'; readonly subject: string; readonly permanent: boolean }

const writer = fc.nat({ max: writers - 1 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ writer, do: fc.constant('read' as const), upTo: fc.nat({ max: 100 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      writer,
      do: fc.constant('register' as const),
      subject: fc.constantFrom(...subjects),
      schema: fc.nat({ max: 5 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      writer,
      do: fc.constant('delete' as const),
      subject: fc.constantFrom(...subjects),
      permanent: fc.boolean(),
    }),
  },
)

/** A registry that knows the log up to some record. */
class Writer {
  readonly state = new RegistryState()
  #read = 0

  read(log: readonly RegistryRecord[], upTo = log.length): void {
    for (; this.#read < upTo; this.#read += 1) {
      const record = log[this.#read]
      if (record !== undefined) this.state.apply(record.key, record.value, 0, record.removes ?? null)
    }
  }
}

function schemaText(number: number): string {
  return JSON.stringify({ type: 'record', name: `S${number}`, fields: [] })
}

/** The records of a step, planned on a state that may be old. */
function records(state: RegistryState, step: Exclude<Step, { readonly do: 'read' }>): readonly RegistryRecord[] {
  try {
    if (step.do === 'delete') return planSubjectDeletion(state, step.subject, step.permanent).records
    const content = {
      schemaType: 'AVRO',
      references: [],
      metadata: null,
      ruleSet: null,
      schema: schemaText(step.schema),
    }
    const options = { id: null, version: null, normalize: false, force: true }
    return planRegistration(state, { subject: step.subject, content, ...options }).records
  } catch (error) {
    if (error instanceof RegistryError) return []
    throw error
  }
}

/** Reads, or writes from what was read. */
function carryOut(one: Step, current: Writer | undefined, log: RegistryRecord[]): void {
  if (current === undefined) return
  if (one.do === 'read') current.read(log, Math.ceil((log.length * one.upTo) / 100))
  else log.push(...current.state.repairs(), ...records(current.state, one))
}

function compacted(log: readonly RegistryRecord[]): readonly RegistryRecord[] {
  const last = new Map(log.map(({ key }, at) => [key, at]))
  return log.filter(({ key }, at) => last.get(key) === at)
}

function view(log: readonly RegistryRecord[]): unknown {
  const reader = new Writer()
  reader.read(log)
  return subjects.map((subject) =>
    reader.state.versions(subject).map(({ version, id, schema, deleted }) => ({ version, id, schema, deleted })),
  )
}

describe('registries that write from what they have read', () => {
  it('never give an id to two schemas, and compaction changes nothing once they have repaired the log', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const log: RegistryRecord[] = []
        const all = Array.from({ length: writers }, () => new Writer())
        const reader = new Writer()
        const ids = new Map<number, string>()
        for (const one of steps) {
          carryOut(one, all[one.writer], log)
          reader.read(log)
          for (const { id, schema } of subjects.flatMap((subject) => reader.state.versions(subject))) {
            // What was once seen under an id stays there, whichever registry gave it.
            expect(ids.get(id) ?? schema).toBe(schema)
            ids.set(id, schema)
          }
        }
        log.push(...reader.state.repairs())
        reader.read(log)
        expect(reader.state.repairs()).toEqual([])
        expect(view(compacted(log))).toEqual(view(log))
      }),
      { numRuns: 1000 },
    )
  })

  it('keep every version that counted when its registry had read it back', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const log: RegistryRecord[] = []
        const all = Array.from({ length: writers }, () => new Writer())
        const acknowledged = new Map<string, string>()
        for (const one of steps.filter((other) => other.do !== 'delete')) {
          const current = all[one.writer]
          const before = log.length
          carryOut(one, current, log)
          if (one.do !== 'register' || current === undefined || log.length === before) continue
          // Sometimes others write first: the registry reads back later.
          if (one.schema % 2 === 0) current.read(log)
          for (const { version, id, schema } of current.state.versions(one.subject))
            acknowledged.set(`${one.subject} ${version}`, `${id} ${schema}`)
        }
        const reader = new Writer()
        reader.read(log)
        log.push(...reader.state.repairs())
        const last = new Writer()
        last.read(compacted(log))
        const stored = subjects
          .flatMap((subject) => last.state.versions(subject))
          .map(({ subject, version, id, schema }) => [`${subject} ${version}`, `${id} ${schema}`] as const)
        expect(Object.fromEntries(stored)).toMatchObject(Object.fromEntries(acknowledged))
      }),
      { numRuns: 1000 },
    )
  })
})
