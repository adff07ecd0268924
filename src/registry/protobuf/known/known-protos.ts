import type { ProtoFile } from '../model/proto-file.ts'
import { ProtoTypes } from '../model/proto-types.ts'
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

const nothing: ProtoFile = {
  syntax: null,
  packageName: null,
  imports: [],
  publicImports: [],
  weakImports: [],
  options: [],
  types: [],
  extends: [],
  services: [],
}

let types: ProtoTypes | null = null

/** Whether a schema imports the file without a reference: those of Confluent's registry. */
export function isKnownProto(name: string): boolean {
  return Object.hasOwn(texts, name)
}

/** The types of the known files. They are parsed by the first call. */
export function knownTypes(): ProtoTypes {
  types ??= new ProtoTypes(
    nothing,
    Object.values(texts).map((text) => ({ file: parseProto(text), origin: null })),
    null,
  )
  return types
}
