import { DataError, type ByteSink } from 'penstock/api'

const magicByte = 0

/** Where the data of a message begins, after the magic byte and the id of its schema. */
export const headerLength = 5

/** Begins a message in Confluent's wire format: a zero byte, and the id of its schema as big-endian int32. */
export function writeHeader(sink: ByteSink, id: number): void {
  sink.reserve(headerLength)
  const { buffer, position } = sink
  buffer[position] = magicByte
  buffer.writeInt32BE(id, position + 1)
  sink.position = position + headerLength
}

/** Returns the id of the schema of a message. @throws DataError if it is not in Confluent's wire format */
export function schemaIdOf(bytes: Uint8Array): number {
  if (bytes.length < headerLength)
    throw new DataError(
      `the message has ${bytes.length} bytes, fewer than the ${headerLength} of the magic byte and the id of a schema`,
      { code: 'SCHEMA_ID_MISSING' },
    )
  if (bytes[0] !== magicByte)
    throw new DataError(
      `the message begins with the byte ${bytes[0]} instead of 0: it is not in the wire format of a schema registry.` +
        ' Use the converter that its producer used',
      { code: 'SCHEMA_ID_MISSING' },
    )
  return ((bytes[1] ?? 0) << 24) | ((bytes[2] ?? 0) << 16) | ((bytes[3] ?? 0) << 8) | (bytes[4] ?? 0)
}
