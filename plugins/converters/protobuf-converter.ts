import type { ConverterPlugin } from 'penstock/api'

import { protobufConfigDef } from './protobuf/protobuf-config-def.ts'
import { ProtobufFormat } from './protobuf/protobuf-format.ts'
import { protobufOptions } from './protobuf/protobuf-options.ts'
import { RegistryConverter } from './registry/registry-converter.ts'

/** `io.confluent.connect.protobuf.ProtobufConverter`. */
export const plugin: ConverterPlugin = {
  kind: 'converter',
  className: 'io.confluent.connect.protobuf.ProtobufConverter',
  aliases: [],
  version: '0.1.0',
  configDef: protobufConfigDef,
  create: (config, _raw, isKey) => new RegistryConverter(config, isKey, new ProtobufFormat(protobufOptions(config))),
}
