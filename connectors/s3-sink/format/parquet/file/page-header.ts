import { crc32 } from 'node:zlib'

import { ThriftWriter } from './thrift-writer.ts'

/** The encodings of values and levels, with the numbers of the format. */
export const encodings = { plain: 0, runLengths: 3, dictionaryIndexes: 8 } as const

/** The types of pages, with the numbers of the format. */
export const pageTypes = { data: 0, dictionary: 2 } as const

/** What the header of a page says. */
export interface PageContent {
  readonly type: keyof typeof pageTypes
  /** Of values, absent ones included. */
  readonly values: number
  readonly encoding: number
  readonly uncompressedBytes: number
}

/** Returns a page as it is in the object: the header and the compressed content. */
export function pageBytes(content: PageContent, compressed: Buffer): Buffer {
  const header = ThriftWriter.struct((thrift) => {
    thrift.i32(1, pageTypes[content.type])
    thrift.i32(2, content.uncompressedBytes)
    thrift.i32(3, compressed.length)
    thrift.i32(4, crc32(compressed) | 0)
    thrift.struct(content.type === 'data' ? 5 : 7, () => {
      thrift.i32(1, content.values)
      thrift.i32(2, content.encoding)
      if (content.type === 'dictionary') return
      thrift.i32(3, encodings.runLengths)
      thrift.i32(4, encodings.runLengths)
    })
  })
  const page = Buffer.allocUnsafeSlow(header.length + compressed.length)
  header.copy(page)
  compressed.copy(page, header.length)
  return page
}
