import type { ByteReader } from './bytes/byte-reader.ts'
import { ByteWriter } from './bytes/byte-writer.ts'
import { compileMessage, type MessageCodec } from './message-codec.ts'
import { ProtocolError } from './protocol-error.ts'
import type { Api, Fields, RequestOf, RequestValue, ResponseOf, ResponseValue } from './schema.ts'

/** Returns whether this version of the API has compact types and tagged fields (KIP-482). */
export function isFlexible(api: Api, version: number): boolean {
  return api.flexibleFrom !== null && version >= api.flexibleFrom
}

const compiled = new WeakMap<Fields, Map<number, MessageCodec<Fields>>>()

function codecOf(api: Api, fields: Fields, version: number): MessageCodec<Fields> {
  const [first, last] = api.versions
  if (version < first || version > last)
    throw new ProtocolError(`${api.name} v${version} is not spoken (v${first} to v${last} are)`)
  let versions = compiled.get(fields)
  if (versions === undefined) {
    versions = new Map()
    compiled.set(fields, versions)
  }
  let codec = versions.get(version)
  if (codec === undefined) {
    codec = compileMessage(fields, version, isFlexible(api, version))
    versions.set(version, codec)
  }
  return codec
}

/** @throws ProtocolError when the bytes do not follow the schema, naming API and version. */
function decode(api: Api, kind: 'request' | 'response', version: number, reader: ByteReader): unknown {
  try {
    return codecOf(api, api[kind], version).decode(reader)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    throw new ProtocolError(`${api.name} v${version} ${kind}: ${error.message}`, { cause: error })
  }
}

/** Decodes the body of a request from a reader after its header. @throws ProtocolError */
export function decodeRequest<A extends Api>(api: A, version: number, reader: ByteReader): RequestOf<A> {
  return decode(api, 'request', version, reader) as RequestOf<A>
}

/** Decodes the body of a response from a reader after its header. @throws ProtocolError */
export function decodeResponse<A extends Api>(api: A, version: number, reader: ByteReader): ResponseOf<A> {
  return decode(api, 'response', version, reader) as ResponseOf<A>
}

/** Writes the body of a request. @throws ProtocolError when a value does not fit the version. */
export function writeRequest<A extends Api>(writer: ByteWriter, api: A, version: number, value: RequestValue<A>): void {
  codecOf(api, api.request, version).encode(writer, value)
}

/** Writes the body of a response. @throws ProtocolError when a value does not fit the version. */
export function writeResponse<A extends Api>(
  writer: ByteWriter,
  api: A,
  version: number,
  value: ResponseValue<A>,
): void {
  codecOf(api, api.response, version).encode(writer, value)
}

/** The body of a request as one buffer. */
export function encodeRequest<A extends Api>(api: A, version: number, value: RequestValue<A>): Buffer {
  const writer = new ByteWriter()
  writeRequest(writer, api, version, value)
  return joined(writer)
}

/** The body of a response as one buffer. */
export function encodeResponse<A extends Api>(api: A, version: number, value: ResponseValue<A>): Buffer {
  const writer = new ByteWriter()
  writeResponse(writer, api, version, value)
  return joined(writer)
}

function joined(writer: ByteWriter): Buffer {
  const parts = writer.take()
  return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts)
}
