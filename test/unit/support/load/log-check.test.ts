import { describe, expect, it } from 'vitest'
import { parsedDump } from '../../../support/broker/topic-dump.ts'
import { checkedLog, type CountedRow, type LoggedTable } from '../../../support/load/log-check.ts'
import { inPieces } from '../../../support/load/pieces.ts'
import { reachableBytes } from '../../../support/task/reachable-bytes.ts'

type Kcat = readonly [key: number, value: string | null]

const read = (id: number, rev: number): Kcat => [id, JSON.stringify({ op: 'r', after: { id, rev } })]
const change = (id: number, rev: number): Kcat => [id, JSON.stringify({ op: 'u', after: { id, rev, note: 'ü\ttab' } })]
const gone = (id: number): Kcat => [id, JSON.stringify({ op: 'd', before: { id }, after: null })]
const tombstone = (id: number): Kcat => [id, null]

const line = ([id, value]: Kcat, offset: number): string =>
  `${offset}\t${value === null ? -1 : Buffer.byteLength(value)}\t{"id":${id}}\th=1\t${value ?? ''}\n`

async function* table(rows: readonly (readonly [id: number, rev: number])[]): AsyncGenerator<CountedRow> {
  for (const [id, rev] of rows) yield { id, rev }
}

const rows = [
  [1, 6],
  [2, 1],
] as const
const whole = [
  read(1, 4),
  read(3, 0),
  change(2, 0),
  change(1, 5),
  gone(3),
  tombstone(3),
  change(2, 1),
  change(1, 6),
] as const

/** What a check of kcat's text sees, against a table of rows 1 and 2. */
function checked(text: string, resumptions = 0): Promise<LoggedTable> {
  return checkedLog(parsedDump(inPieces(text)), { rows: table(rows), end: text.split('\n').length - 1, resumptions })
}

const kcatText = (records: readonly Kcat[]): string => records.map(line).join('')

describe('the log of a table', () => {
  it('is whole when it holds each change of each row, in order', async () => {
    const { faults, resent, values } = await checked(kcatText(whole))
    expect({ faults, resent, length: values.length }).toEqual({ faults: [], resent: 0, length: 8 })
    expect([values.isTombstone(5), values.matches(4, Buffer.from(String(gone(3)[1])))]).toEqual([true, true])
  })

  it('may hold a run twice for each time that its source resumed', async () => {
    const text = kcatText([...whole.slice(0, 7), ...whole.slice(2), change(1, 6)])
    expect(await checked(text, 2)).toMatchObject({ faults: [], resent: 5, runs: 2 })
    expect((await checked(text, 1)).faults).toEqual(['5 records are sent again in 2 runs; the source resumed 1 times'])
  })

  it.each<[string, readonly Kcat[], string]>([
    [
      'a change is lost',
      whole.toSpliced(3, 1),
      'row 1 change 6 is the first streamed, and what was before was never read',
    ],
    ['a change between two is lost', [...whole.slice(0, 7), change(1, 7)], 'row 1 change 7 follows 5'],
    ['a last change is lost', whole.slice(0, 7), 'row 1 is at change 6 in the table, at 5 in the log'],
    ['all of a row is lost', whole.filter(([id]) => id !== 2), 'row 2 is in the table and not in the log'],
    ['an end is lost', whole.toSpliced(4, 2), 'row 3 is gone from the table, and the log does not say so'],
    [
      'a record is doubled',
      whole.toSpliced(4, 0, change(1, 5)),
      '1 records are sent again in 1 runs; the source resumed 0 times',
    ],
    [
      'an end is doubled',
      whole.toSpliced(6, 0, gone(3)),
      '1 records are sent again in 1 runs; the source resumed 0 times',
    ],
    ['a change is another one', whole.with(7, change(1, 8)), 'row 1 change 8 follows 5'],
    [
      'a value is no change',
      whole.with(6, [2, '{"op":"u","after":{"id":2}}']),
      'offset 6: no change of a row: {"id":2} {"op":"u","after":{"id":2}}',
    ],
    [
      'two changes of a row are in another order',
      whole.with(2, change(2, 1)).with(6, change(2, 0)),
      'row 2 change 1 is the first streamed, and what was before was never read',
    ],
    ['a change follows the end of its row', [...whole, change(3, 1)], 'row 3 change 1 follows its end'],
  ])('has a fault when %s', async (_name, records, fault) => {
    expect((await checked(kcatText(records))).faults).toContain(fault)
  })

  it('has a fault when an offset is left out, comes twice, or is the last and not the end of the log', async () => {
    const lines = whole.map(line)
    expect((await checked(lines.toSpliced(5, 1).join(''))).faults).toContain('offset 6 stands where 5 should')
    expect((await checked(lines.toSpliced(5, 0, String(lines[4])).join(''))).faults).toContain(
      'offset 4 stands where 5 should',
    )
    const short = checkedLog(parsedDump(inPieces(lines.join(''))), { rows: table(rows), end: 9, resumptions: 0 })
    expect((await short).faults).toEqual(['the records end at 8, the log at 9'])
  })

  it('fails when the text ends inside a record', async () => {
    await expect(checked(kcatText(whole).slice(0, -1))).rejects.toThrow('no line feed')
  })
})

describe('the check of a log larger than memory', () => {
  it('keeps numbers of a record, and not its text', async () => {
    const recordsInAll = 5000
    const text = 'x'.repeat(10_000)
    let grown = 0
    async function* output(): AsyncGenerator<Uint8Array> {
      const before = reachableBytes()
      for (let id = 0; id < recordsInAll; id++)
        yield Buffer.from(line([1_000_000_000 + id, JSON.stringify({ op: 'r', after: { rev: 0, text } })], id))
      grown = reachableBytes() - before
    }
    await checkedLog(parsedDump(output()), { rows: table([]), end: recordsInAll, resumptions: 0 })
    expect(grown / recordsInAll).toBeLessThan(1000)
  })

  it('has keys that do not keep the records around them', async () => {
    const keys: string[] = []
    const before = reachableBytes()
    async function* output(): AsyncGenerator<Uint8Array> {
      for (let id = 0; id < 2000; id++) yield Buffer.from(line([1_000_000_000 + id, 'x'.repeat(10_000)], id))
    }
    for await (const { key } of parsedDump(output())) keys.push(key)
    expect((reachableBytes() - before) / keys.length).toBeLessThan(1000)
  })
})
