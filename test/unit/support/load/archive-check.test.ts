import { describe, expect, it } from 'vitest'
import { linesOf } from '../../../support/lines.ts'
import { archiveFaults } from '../../../support/load/archive-check.ts'
import { inPieces } from '../../../support/load/pieces.ts'
import { ValueDigests } from '../../../support/load/value-digests.ts'

type Objects = readonly (readonly [start: number, text: string])[]

/** The faults of an archive whose objects are read as streams, against a log of these values. */
function faults(objects: Objects, log: readonly (string | null)[]): Promise<readonly string[]> {
  const values = new ValueDigests()
  for (const value of log) values.push(value)
  const texts = new Map(objects.map(([start, text]) => [`t+0+${String(start).padStart(10, '0')}.json.gz`, text]))
  return archiveFaults({ keys: [...texts.keys()], lines: (key) => linesOf(inPieces(texts.get(key) ?? '')) }, values)
}

describe('an archive of a log', () => {
  const log = ['{"a":"ä"}', '{"b":1}', '{"c":2}', '{"d":3}', '{"e":4}']
  const lines = (from: number, to: number): string =>
    log
      .slice(from, to)
      .map((line) => `${line}\n`)
      .join('')

  it('is whole when each value stands in one object, in order', async () => {
    expect(
      await faults(
        [
          [3, lines(3, 5)],
          [0, lines(0, 3)],
        ],
        log,
      ),
    ).toEqual([])
  })

  it('has no lines for tombstones', async () => {
    const values = ['a', null, 'c', 'd', null, 'f', null]
    expect(
      await faults(
        [
          [0, 'a\nc\nd\n'],
          [5, 'f\n'],
        ],
        values,
      ),
    ).toEqual([])
    expect(
      await faults(
        [
          [0, 'a\nc\nd\n'],
          [4, 'f\n'],
        ],
        values,
      ),
    ).toEqual([])
    expect(await faults([[0, 'a\nc\nd\n']], values)).toEqual(['the objects end at 5, the log at 7'])
  })

  it('is compared with each of many values', async () => {
    const many = Array.from({ length: 5000 }, (_, offset) => `{"n":${offset}}`)
    const text = (list: readonly string[]): string => list.map((line) => `${line}\n`).join('')
    expect(await faults([[0, text(many)]], many)).toEqual([])
    expect(await faults([[0, text(many.with(7, 'other'))]], many)).toEqual([
      't+0+0000000000.json.gz: line 7 is not the value at offset 7',
    ])
  })

  it.each<[string, Objects, string]>([
    [
      'values between two objects are lost',
      [
        [0, lines(0, 1)],
        [2, lines(2, 5)],
      ],
      't+0+0000000002.json.gz leaves out offsets from 1',
    ],
    [
      'a value inside an object is lost',
      [[0, lines(0, 2) + lines(3, 5)]],
      't+0+0000000000.json.gz: line 2 is not the value at offset 2',
    ],
    ['values at the end are lost', [[0, lines(0, 2)]], 'the objects end at 2, the log at 5'],
    [
      'a value is in two objects',
      [
        [0, lines(0, 3)],
        [2, lines(2, 5)],
      ],
      't+0+0000000002.json.gz begins before 3, which ends the object before',
    ],
    [
      'a value is in an object twice',
      [[0, lines(0, 2) + lines(1, 5)]],
      't+0+0000000000.json.gz: line 2 is not the value at offset 2',
    ],
    [
      'a value is changed',
      [[0, lines(0, 1) + '{"b":2}\n' + lines(2, 5)]],
      't+0+0000000000.json.gz: line 1 is not the value at offset 1',
    ],
    [
      'two values are in another order',
      [[0, lines(0, 1) + lines(2, 3) + lines(1, 2) + lines(3, 5)]],
      't+0+0000000000.json.gz: line 1 is not the value at offset 1',
    ],
    [
      'it holds more than the log',
      [[0, lines(0, 5) + lines(4, 5)]],
      't+0+0000000000.json.gz: line 5 is not the value at offset 5',
    ],
  ])('has a fault when %s', async (_name, objects, fault) => {
    expect((await faults(objects, log))[0]).toBe(fault)
  })

  it('fails when an object ends inside a line', async () => {
    await expect(faults([[0, lines(0, 5) + '{"f"']], log)).rejects.toThrow('no line feed: {"f"')
  })
})
