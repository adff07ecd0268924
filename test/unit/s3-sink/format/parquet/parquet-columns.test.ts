import { primitive, struct, type ConnectValue, type SchemaType } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { metadataOf, parquetFile, parquetRows } from '../../../../support/parquet/parquet-file.ts'
import { present } from '../../../../../src/foundation/assert.ts'

type Primitive = Exclude<SchemaType, 'ARRAY' | 'MAP' | 'STRUCT'>

const column = (type: Primitive) => struct([['c', primitive(type, { optional: true })]])

/** Writes a column, checks its values, and returns what the footer says of its only chunk. */
async function chunkOf(type: Primitive, values: readonly ConnectValue[]) {
  const file = parquetFile(
    column(type),
    values.map((value) => [value]),
  )
  const found = (await parquetRows(file)).map(([value]) =>
    typeof value === 'bigint' ? Number(value) : (value ?? null),
  )
  expect(found).toEqual(values)
  return present(metadataOf(file).row_groups[0]?.columns[0]?.meta_data, 'a chunk')
}

const times = <T>(count: number, of: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i))

describe('the encoding of a column', () => {
  it.each<[string, Primitive, readonly ConnectValue[], readonly string[]]>([
    ['few texts', 'STRING', times(20_000, (i) => `state ${i % 300}`), ['RLE', 'PLAIN', 'RLE_DICTIONARY']],
    ['one text', 'STRING', times(1000, () => 'paid'), ['RLE', 'PLAIN', 'RLE_DICTIONARY']],
    ['few integers', 'INT32', times(30_000, (i) => (i % 5 === 0 ? null : i % 7)), ['RLE', 'PLAIN', 'RLE_DICTIONARY']],
    ['few long integers', 'INT64', times(30_000, (i) => i % 700), ['RLE', 'PLAIN', 'RLE_DICTIONARY']],
    ['few numbers', 'FLOAT64', times(10_000, (i) => (i % 3) / 7), ['RLE', 'PLAIN', 'RLE_DICTIONARY']],
    ['different texts', 'STRING', times(20_000, (i) => `id ${i}`), ['RLE', 'PLAIN']],
    ['different integers', 'INT32', times(30_000, (i) => i * 3), ['RLE', 'PLAIN']],
    ['long texts', 'STRING', times(60, (i) => `${i % 3}`.repeat(2000)), ['RLE', 'PLAIN']],
    ['three texts', 'STRING', ['a', 'b', 'c'], ['RLE', 'PLAIN']],
    ['nothing', 'STRING', times(100_000, () => null), ['RLE', 'PLAIN']],
    ['booleans', 'BOOLEAN', times(70_000, (i) => i % 3 === 0), ['RLE', 'PLAIN']],
  ])('is a dictionary where that is smaller: %s', async (_what, type, values, encodings) => {
    expect((await chunkOf(type, values)).encodings).toEqual(encodings)
  })

  it('is a dictionary of different values also where their hashes are equal', async () => {
    const [first, second] = collidingTexts()
    const values = times(1000, (i) => (i % 3 === 0 ? first : second))
    const chunk = await chunkOf('STRING', values)
    expect(chunk.encodings).toContain('RLE_DICTIONARY')
    expect(chunk.statistics).toMatchObject({ min_value: first, max_value: second })
  })

  it('is plain where values were chosen so that their hashes collide', async () => {
    const hostile = [...numbersWhere((hash) => (hash & 0xff) === 7, 70)]
    expect(
      (
        await chunkOf(
          'INT64',
          times(7000, (i) => hostile[i % 70] ?? 0),
        )
      ).encodings,
    ).toEqual(['RLE', 'PLAIN'])
    const friendly = [...numbersWhere(() => true, 70)]
    expect(
      (
        await chunkOf(
          'INT64',
          times(7000, (i) => friendly[i % 70] ?? 0),
        )
      ).encodings,
    ).toContain('RLE_DICTIONARY')
  })

  it('is plain from the page on where the dictionary is full', async () => {
    const values = times(60_000, (i) => (i < 20_000 ? `repeated ${i % 1000}` : `different ${i}`))
    const chunk = await chunkOf('STRING', values)
    const pages = present(chunk.encoding_stats, 'pages').map(({ page_type: page, encoding, count }) => [
      page,
      encoding,
      count > 1,
    ])
    expect(pages).toEqual([
      ['DICTIONARY_PAGE', 'PLAIN', false],
      ['DATA_PAGE', 'RLE_DICTIONARY', true],
      ['DATA_PAGE', 'PLAIN', true],
    ])
    expect(chunk.statistics).toMatchObject({ min_value: 'different 20000', max_value: 'repeated 999' })
  })

  it('has the sizes of its pages, with their headers, before and after compression', async () => {
    const schema = struct([['c', primitive('STRING')]])
    const file = parquetFile(
      schema,
      times(20_000, (i) => [`text ${i}`]),
      { codec: 'gzip' },
    )
    const { row_groups: groups } = metadataOf(file)
    const { meta_data: chunk } = present(groups[0]?.columns[0], 'a column')
    const plainBytes = times(20_000, (i) => 4 + `text ${i}`.length).reduce((sum, size) => sum + size)
    expect(Number(chunk?.total_uncompressed_size)).toBeGreaterThan(plainBytes)
    expect(Number(chunk?.total_uncompressed_size)).toBeLessThan(plainBytes + 1000)
    expect(Number(chunk?.total_compressed_size)).toBe(file.length - 4 - 8 - file.readUInt32LE(file.length - 8))
    expect(groups[0]?.total_byte_size).toBe(chunk?.total_uncompressed_size)
  })
})

describe('the statistics of a column', () => {
  it.each<[string, Primitive, readonly ConnectValue[], unknown, unknown]>([
    ['integers', 'INT32', [3, null, -2_147_483_648, 2_147_483_647], -2_147_483_648, 2_147_483_647],
    ['texts by their bytes', 'STRING', ['b', '\u{1f600}', '\uffff', 'a', ''], '', '\u{1f600}'],
    ['booleans', 'BOOLEAN', [true, null, true], true, true],
    ['zeros of both signs', 'FLOAT64', [0, 1], -0, 1],
    ['negative zero as a maximum', 'FLOAT32', [-1, -0], -1, 0],
    ['infinity', 'FLOAT64', [Infinity, -Infinity, 0], -Infinity, Infinity],
    ['nothing', 'INT64', [null, null], undefined, undefined],
    ['a dictionary', 'STRING', times(20_000, (i) => `state ${i % 300}`), 'state 0', 'state 99'],
    ['a dictionary of numbers', 'INT64', times(20_000, (i) => (i % 300) - 150), -150n, 149n],
    ['NaN', 'FLOAT64', [1, NaN, 2], undefined, undefined],
    ['a long text', 'STRING', ['a', `z${'z'.repeat(256)}`], undefined, undefined],
    ['a long text between', 'STRING', ['a', `b${'z'.repeat(256)}`, 'c'], 'a', 'c'],
    ['the same long text', 'STRING', ['z'.repeat(257), 'z'.repeat(258), 'a'], undefined, undefined],
    ['a text that is just short enough', 'STRING', ['z'.repeat(256), 'a'], 'a', 'z'.repeat(256)],
  ])('are the bounds of %s', async (_what, type, values, min, max) => {
    const { statistics } = await chunkOf(type, values)
    expect(Object.is(statistics?.min_value, min)).toBe(true)
    expect(Object.is(statistics?.max_value, max)).toBe(true)
    expect(statistics?.null_count).toBe(BigInt(values.filter((value) => value === null).length))
  })

  it('are exact for integers of 64 bits', () => {
    const extremes = [5, 2n ** 63n - 1n, 3, -(2n ** 63n), 4, 0, -1, -3, -2, 2 ** 32 + 1, 2 ** 32, 2 ** 32 + 2 ** 31]
    for (let from = 0; from < extremes.length; from += 1) {
      for (let to = from + 1; to <= extremes.length; to += 1) {
        const some = extremes.slice(from, to).map(BigInt)
        const [chunk] =
          metadataOf(
            parquetFile(
              column('INT64'),
              some.map((value) => [value]),
            ),
          ).row_groups[0]?.columns ?? []
        const ordered = some.toSorted((one, other) => (one < other ? -1 : 1))
        expect(chunk?.meta_data?.statistics).toMatchObject({ min_value: ordered[0], max_value: ordered.at(-1) })
      }
    }
  })
})

/** FNV-1a, by which a dictionary finds values. */
function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash ^ (hash >>> 15)
}

/** Returns two texts whose encodings have equal hashes, in order. */
function collidingTexts(): readonly [string, string] {
  const known = new Map<number, string>()
  for (let i = 0; ; i += 1) {
    const text = String(i).padStart(9, '0')
    const hash = fnv1a(Buffer.concat([Buffer.of(text.length, 0, 0, 0), Buffer.from(text)]))
    const other = known.get(hash)
    if (other !== undefined) return [other, text]
    known.set(hash, text)
  }
}

function* numbersWhere(wanted: (hash: number) => boolean, count: number): Iterable<number> {
  const bytes = Buffer.alloc(8)
  for (let [i, found] = [0, 0]; found < count; i += 1) {
    bytes.writeUInt32LE(i)
    if (!wanted(fnv1a(bytes))) continue
    found += 1
    yield i
  }
}
