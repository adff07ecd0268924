import type { ConverterPlugin } from 'penstock/api'
import { avroOptions } from 'penstock/avro'

import { avroConfigDef } from './avro/avro-config-def.ts'
import { AvroFormat } from './avro/avro-format.ts'
import { RegistryConverter } from './registry/registry-converter.ts'

/** `io.confluent.connect.avro.AvroConverter`. */
export const plugin: ConverterPlugin = {
  kind: 'converter',
  className: 'io.confluent.connect.avro.AvroConverter',
  aliases: [],
  version: '0.1.0',
  configDef: avroConfigDef,
  create: (config, _raw, isKey) => new RegistryConverter(config, isKey, new AvroFormat(avroOptions(config))),
}
