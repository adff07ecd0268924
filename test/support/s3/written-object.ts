import type { ConnectValue, Schema, SinkRecord } from 'penstock/api'

import type { FormatWriter, ObjectFormat } from '../../../connectors/s3-sink/format/object-format.ts'

/** Adds a value to an object, as the sink does with the value of a record. */
export function appendTo(writer: FormatWriter, valueSchema: Schema | null, value: ConnectValue): number {
  return writer.append({ valueSchema, value } as SinkRecord, value)
}

/** Returns an object with these values as the sink writes it, which is drained whenever it is full. */
export async function writtenObject(
  format: ObjectFormat,
  schema: Schema | null,
  values: readonly ConnectValue[],
): Promise<Buffer> {
  const writer = format.begin(schema)
  const pieces: Buffer[] = []
  const keep = async (piece: ReturnType<FormatWriter['drain']>): Promise<void> => {
    pieces.push(Buffer.isBuffer(piece) ? piece : await piece.pack(new AbortController().signal))
  }
  for (const value of values) {
    appendTo(writer, schema, value)
    if (writer.isFull) await keep(writer.drain())
  }
  await keep(writer.finish())
  return Buffer.concat(pieces)
}
