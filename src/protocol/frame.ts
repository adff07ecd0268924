import { ByteReader } from './bytes/byte-reader.ts'
import { ByteWriter } from './bytes/byte-writer.ts'
import { decodeResponse, isFlexible, writeRequest, writeResponse } from './codec.ts'
import type { Api, RequestValue, ResponseOf, ResponseValue } from './schema.ts'

/** The header of a request. */
export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
}

const apiVersionsKey = 18

/** Returns whether the response header has tagged fields. That of ApiVersions never has: every client must be able to read it (KIP-511). */
function hasTaggedResponseHeader(api: Api, version: number): boolean {
  return api.key !== apiVersionsKey && isFlexible(api, version)
}

/** Reads the header without its tagged fields, which follow in flexible versions: see {@link skipTaggedFields}. */
export function readRequestHeader(reader: ByteReader): RequestHeader {
  const apiKey = reader.int16()
  const apiVersion = reader.int16()
  const correlationId = reader.int32()
  const length = reader.length(false, 16)
  return { apiKey, apiVersion, correlationId, clientId: length < 0 ? null : reader.string(length) }
}

/** Skips a section of tagged fields. */
export function skipTaggedFields(reader: ByteReader): void {
  reader.taggedFields(() => false)
}

/** Encodes a request with its length prefix, as parts to send one after the other. */
export function encodeRequestFrame<A extends Api>(
  api: A,
  header: Pick<RequestHeader, 'apiVersion' | 'correlationId' | 'clientId'>,
  value: RequestValue<A>,
): Buffer[] {
  const writer = new ByteWriter()
  writer.int32(0)
  writer.int16(api.key)
  writer.int16(header.apiVersion)
  writer.int32(header.correlationId)
  const clientId = header.clientId
  const byteLength = clientId === null ? -1 : Buffer.byteLength(clientId)
  writer.length(byteLength, false, 16)
  if (clientId !== null) writer.utf8(clientId, byteLength)
  if (isFlexible(api, header.apiVersion)) writer.unsignedVarint(0)
  writeRequest(writer, api, header.apiVersion, value)
  return withLength(writer)
}

/** Encodes a response with its length prefix, as parts to send one after the other. */
export function encodeResponseFrame<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  value: ResponseValue<A>,
): Buffer[] {
  const writer = new ByteWriter()
  writer.int32(0)
  writer.int32(correlationId)
  if (hasTaggedResponseHeader(api, version)) writer.unsignedVarint(0)
  writeResponse(writer, api, version, value)
  return withLength(writer)
}

function withLength(writer: ByteWriter): Buffer[] {
  const size = writer.size
  const parts = writer.take()
  parts[0]?.writeInt32BE(size - 4, 0)
  return parts
}

/** A response without its length in front: header and body. @throws ProtocolError */
export function decodeResponseFrame<A extends Api>(
  api: A,
  version: number,
  frame: Buffer,
): { readonly correlationId: number; readonly body: ResponseOf<A> } {
  const reader = new ByteReader(frame)
  const correlationId = reader.int32()
  if (hasTaggedResponseHeader(api, version)) skipTaggedFields(reader)
  return { correlationId, body: decodeResponse(api, version, reader) }
}
