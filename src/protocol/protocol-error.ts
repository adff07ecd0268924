/** Bytes that do not follow the Kafka protocol, or a value that cannot be written in it. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
}
