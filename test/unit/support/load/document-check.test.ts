import { describe, expect, it } from 'vitest'
import { documentFaults, type Document } from '../../../support/load/document-check.ts'

/** The faults of an index that is read in pages, against a table of these rows. */
function faults(pages: readonly (readonly Document[])[], rows: readonly Document[]): Promise<readonly string[]> {
  const all = new Map(rows)
  return documentFaults(streamed(pages), {
    rows: async (ids) => new Map([...all].filter(([id]) => ids.includes(id))),
    ids: () => streamed([...all.keys()]),
  })
}

async function* streamed<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all
}

describe('an index of a table', () => {
  const one: Document = ['1', '{"id":1,"rev":3,"at":"2026-01-01T00:00:00.5Z","meta":"{\\"a\\":1,\\"b\\":2}"}']
  const two: Document = ['2', '{"id":2,"rev":0}']
  const three: Document = ['3', '{"id":3,"rev":7}']
  const rows = [one, two, three]

  it('is whole when each row is a document, and each document a row', async () => {
    expect(await faults([[three, one], [two]], rows)).toEqual([])
  })

  it('may have its keys in another order, and other zeros at the end of a fraction', async () => {
    const same: Document = [
      '1',
      '{"rev":3,"id":1,"meta":"{\\"a\\": 1, \\"b\\": 2}","at":"2026-01-01T00:00:00.500000Z"}',
    ]
    expect(await faults([[same, two], [three]], rows)).toEqual([])
  })

  it.each<[string, readonly (readonly Document[])[], string]>([
    ['a document is lost', [[three], [one]], 'row 2 has no document'],
    ['all are lost', [], 'row 1 has no document'],
    [
      'a document is there twice',
      [
        [three, one],
        [two, one],
      ],
      'document 1 is there twice',
    ],
    [
      'a document has no row',
      [
        [one, two],
        [three, ['4', '{"id":4}']],
      ],
      'document 4 has no row',
    ],
    [
      'a document is one of an earlier change',
      [[one, two], [['3', '{"id":3,"rev":6}']]],
      'row 3 is {"id":3,"rev":7}, its document {"id":3,"rev":6}',
    ],
    [
      'a document is that of another row',
      [[one, ['2', three[1]]], [three]],
      'row 2 is {"id":2,"rev":0}, its document {"id":3,"rev":7}',
    ],
  ])('has a fault when %s', async (_name, pages, fault) => {
    expect((await faults(pages, rows))[0]).toBe(fault)
  })
})
