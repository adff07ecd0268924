import { gunzipSync, zstdDecompressSync } from 'node:zlib'

import { parquetMetadata, parquetRead, type FileMetaData } from 'hyparquet'
import type { ConnectValue, Schema, SinkRecord } from 'penstock/api'

import type { FormatWriter } from '../../../connectors/s3-sink/format/object-format.ts'
import { openPageCodec, type PageCodecName } from '../../../connectors/s3-sink/format/parquet/file/page-codec.ts'
import { ParquetFormat } from '../../../connectors/s3-sink/format/parquet/parquet-format.ts'

/** How a file is written. */
export interface ParquetOptions {
  readonly codec: PageCodecName
  readonly rowGroupBytes: number
}

const codecs = {
  none: await openPageCodec('none'),
  snappy: await openPageCodec('snappy'),
  gzip: await openPageCodec('gzip'),
  zstd: await openPageCodec('zstd'),
}

export function parquetFormat({
  codec = 'none',
  rowGroupBytes = 16 * 1024 * 1024,
}: Partial<ParquetOptions> = {}): ParquetFormat {
  return new ParquetFormat({ codec: codecs[codec], rowGroupBytes })
}

/** Begins a file. Its records are only values: the format looks at nothing else. */
export function parquetWriter(schema: Schema | null, options: Partial<ParquetOptions> = {}): FormatWriter {
  return parquetFormat(options).begin(schema)
}

/** Adds a value to a file. Returns its size. */
export function appendValue(writer: FormatWriter, value: ConnectValue): number {
  const record: SinkRecord = {
    topic: 'orders',
    partition: 0,
    offset: 0,
    key: null,
    keySchema: null,
    value,
    valueSchema: null,
    headers: [],
    timestamp: null,
    timestampType: 'NoTimestampType',
    originalTopic: 'orders',
    originalPartition: 0,
    originalOffset: 0,
  }
  return writer.append(record, value)
}

/** Returns the bytes of a writer. */
export function bytesOf(drained: ReturnType<FormatWriter['drain']>): Buffer {
  if (!Buffer.isBuffer(drained)) throw new TypeError('the format packs its own bytes')
  return drained
}

/** Returns the file of some values, drained whenever the writer is full. */
export function parquetFile(
  schema: Schema,
  values: readonly ConnectValue[],
  options: Partial<ParquetOptions> = {},
): Buffer {
  const writer = parquetWriter(schema, options)
  const pieces: Buffer[] = []
  for (const value of values) {
    appendValue(writer, value)
    if (writer.isFull) pieces.push(bytesOf(writer.drain()))
  }
  return Buffer.concat([...pieces, bytesOf(writer.finish())])
}

/** Returns what the footer says. */
export function metadataOf(file: Buffer): FileMetaData {
  return parquetMetadata(bufferOf(file))
}

/** Reads the rows with hyparquet, each as the values of its columns. Dates and times are what Parquet has: numbers. */
export async function parquetRows(file: Buffer): Promise<readonly unknown[][]> {
  let rows: unknown[][] = []
  const unpacked = (unpack: (bytes: Uint8Array) => Buffer) => (bytes: Uint8Array) => new Uint8Array(unpack(bytes))
  await parquetRead({
    file: bufferOf(file),
    compressors: { GZIP: unpacked(gunzipSync), ZSTD: unpacked(zstdDecompressSync) },
    parsers: { dateFromDays: (days) => days, timestampFromMilliseconds: (ms) => ms },
    utf8: false,
    onComplete: (complete) => {
      rows = complete
    },
  })
  return rows
}

function bufferOf(file: Buffer): ArrayBuffer {
  return new Uint8Array(file).buffer
}
