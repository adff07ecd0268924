import { DataError, errorMessage, keepJsonText, parseJson, primitive, utf8, type ConnectValue } from 'penstock/api'

import { numbersOf } from '../../s3-store/manifest/number-list.ts'
import { ByteQueue, piecesOf } from './pieces.ts'
import type { RecordFormat, StoredValue } from './record-format.ts'

const bytesSchema = primitive('BYTES', { optional: true })
const lineFeed = Buffer.from('\n')

/** JSON Lines. Values have no schema, and remember their text, so that converters without schemas write it as it was. */
export const jsonFormat: RecordFormat = {
  async *read(bytes) {
    let line = 0
    for await (const pieces of piecesOf(bytes, lineFeed)) {
      const values: StoredValue[] = []
      try {
        for (const piece of pieces) {
          line += 1
          values.push(parsedLine(utf8(piece), line))
        }
      } catch (error) {
        // The lines before it are whole.
        yield values
        throw error
      }
      yield values
    }
  },
}

function parsedLine(text: string, line: number): StoredValue {
  try {
    const value = parseJson(text) as ConnectValue
    keepJsonText(value, text)
    return { schema: null, value }
  } catch (error) {
    throw new DataError(`line ${line} is no JSON value: ${errorMessage(error)}`, { cause: error })
  }
}

/** Bytes, each value with a separator behind it. */
export function byteArrayFormat(separator: Buffer): RecordFormat {
  return {
    async *read(bytes) {
      for await (const pieces of piecesOf(bytes, separator))
        yield pieces.map((piece) => ({ schema: bytesSchema, value: Buffer.from(piece) }))
    },
  }
}

const batchSize = 500

/** Bytes whose sizes are known, so that a value may have the separator in it. @param sizes as a manifest has them */
export function sizedFormat(sizes: string, separatorBytes: number): RecordFormat {
  return {
    async *read(bytes) {
      const queue = new ByteQueue(bytes)
      try {
        let batch: StoredValue[] = []
        for (const size of numbersOf(sizes)) {
          const record = await queue.take(size + separatorBytes)
          batch.push({ schema: bytesSchema, value: Buffer.from(record.subarray(0, size)) })
          if (batch.length < batchSize) continue
          yield batch
          batch = []
        }
        if (batch.length > 0) yield batch
        if (!(await queue.isAtEnd())) throw new DataError('it has more bytes than its records')
      } finally {
        await queue.close()
      }
    },
  }
}
