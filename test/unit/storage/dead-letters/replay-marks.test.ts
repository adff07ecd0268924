import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { keyDigest, type LetterChoice } from '../../../../src/storage/dead-letters/letter-choice.ts'
import { letterContextOf, type LetterContext } from '../../../../src/storage/dead-letters/letter-context.ts'
import { markRecord, markOf, ReplayMarks, type ReplayMark } from '../../../../src/storage/dead-letters/replay-mark.ts'
import { planOf, planText } from '../../../../src/storage/dead-letters/replay-plan.ts'

const all: LetterChoice = { cause: null, key: null }
const of = { topic: 'orders', partition: 0 }

function contextOf(offset: number, message: string): LetterContext {
  const texts = { 'connector.name': 'sink', topic: 'orders', partition: '0', offset: `${offset}` }
  const headers = Object.entries({ ...texts, 'exception.message': message }).map(([key, value]) => ({
    key: `__connect.errors.${key}`,
    value: Buffer.from(value),
  }))
  const context = letterContextOf(headers)
  if (context === null) throw new TypeError('no context')
  return context
}

describe('marks of letters that were delivered again', () => {
  it('are read as they were written, and not out of letters or of what others write', () => {
    const mark: ReplayMark = {
      connector: '"sink"',
      queueId: 'q',
      of,
      topicId: 't',
      choice: { cause: 'c', key: 'k' },
      end: 5,
      until: 9,
    }
    expect(markOf(markRecord(mark).headers)).toEqual(mark)
    const unknown = { ...mark, queueId: null, topicId: null }
    expect(markOf(markRecord(unknown).headers)).toEqual(unknown)
    const [header] = markRecord(mark).headers
    if (header === undefined) throw new TypeError('no header')
    expect(markOf([header, header])).toBeNull()
    for (const value of ['', '[]', 'null', '{"connector":"sink"}', '{"end":-1}'])
      expect(markOf([{ key: header.key, value: Buffer.from(value) }])).toBeNull()
    expect(markOf([{ key: header.key, value: null }])).toBeNull()
  })

  it('cover a letter if any of them does, however many are of the same letters', () => {
    const choice = fc.record({
      cause: fc.constantFrom(null, 'one', 'two'),
      key: fc.constantFrom(null, keyDigest(Buffer.from('a')), keyDigest(null)),
    })
    const queueId = fc.constantFrom(null, 'one', 'two')
    const topicId = fc.constantFrom(null, 'one', 'two')
    const mark = fc.record({ queueId, topicId, choice, end: fc.nat({ max: 6 }), until: fc.nat({ max: 6 }) })
    const letter = fc.record({
      queueId,
      topicId,
      offset: fc.nat({ max: 6 }),
      at: fc.nat({ max: 6 }),
      key: fc.constantFrom(null, Buffer.from('a'), Buffer.from('b')),
    })
    fc.assert(
      fc.property(fc.array(mark), letter, (marks, { offset, at, key, queueId: queue, topicId: id }) => {
        const context = { ...contextOf(at, 'one'), topicId: id }
        const [together, alone] = [new ReplayMarks('sink'), marks.map(() => new ReplayMarks('sink'))]
        for (const [index, own] of marks.entries()) {
          const whole = { connector: 'sink', of, ...own }
          together.add(0, whole)
          alone[index]?.add(0, whole)
        }
        const placed = { queueId: queue, partition: 0, offset, key, context }
        expect(together.cover(placed)).toBe(alone.some((one) => one.cover(placed)))
      }),
    )
  })

  it('cover no letter of another connector, of another partition, that was written later, or into a later queue', () => {
    const known = { connector: 'sink', queueId: 'q', of, topicId: 't', choice: all, end: 5, until: 8 }
    const marks = new ReplayMarks('sink')
    const letter = { queueId: 'q', partition: 0, offset: 4, key: null, context: { ...contextOf(7, 'm'), topicId: 't' } }
    marks.add(0, { ...known, connector: 'other', until: 9 })
    marks.add(0, { ...known, of: { topic: 'orders', partition: 1 }, until: 9 })
    marks.add(1, { ...known, until: 9 })
    marks.add(0, { ...known, end: 4, until: 9 })
    marks.add(0, { ...known, until: 7 })
    marks.add(0, { ...known, queueId: 'before', until: 9 })
    marks.add(0, { ...known, topicId: 'before', until: 9 })
    expect(marks.cover(letter)).toBe(false)
    marks.add(0, known)
    expect(marks.cover(letter)).toBe(true)
  })
})

describe('the plan in the metadata of an offset', () => {
  it('is read as it was written, also in front of the id of the topic', () => {
    const letters = { topic: 'letters', id: 'q', ends: new Map([[0, 5]]).set(12, 7) }
    const plan = { letters, choice: { cause: null, key: 'k' }, count: 3, more: true, from: 2, until: 9 }
    expect(planOf(planText(plan))).toEqual(plan)
    const unknown = { ...plan, letters: { ...letters, id: null } }
    expect(planOf(planText(unknown))).toEqual(unknown)
    expect(planOf(`${planText(plan)} penstock-topic-id=abc`)).toEqual(plan)
  })

  it.each([
    null,
    undefined,
    '',
    'penstock-topic-id=abc',
    'penstock-replay={}',
    'penstock-replay={"topic":"t","until":-1}',
  ])('is none in %j', (metadata) => expect(planOf(metadata)).toBeNull())
})
