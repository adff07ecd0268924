import type { ProtoFile } from '../model/proto-file.ts'
import { parseProto } from '../parse/parse-proto.ts'
import { confluentTypes } from './confluent-types.ts'
import { googleDescriptor } from './google-descriptor.ts'
import { googleProtobuf } from './google-protobuf.ts'
import { googleTypes } from './google-types.ts'

const texts: Readonly<Record<string, string>> = {
  ...googleProtobuf,
  ...googleDescriptor,
  ...googleTypes,
  ...confluentTypes,
}

let parsed: ReadonlyMap<string, ProtoFile> | null = null

/** The files that a schema imports without a reference, by name: those of Confluent's registry. Parsed by the first call. */
export function knownProtos(): ReadonlyMap<string, ProtoFile> {
  parsed ??= new Map(Object.entries(texts).map(([name, text]) => [name, parseProto(text)]))
  return parsed
}
