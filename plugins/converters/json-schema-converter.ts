import type { ConverterPlugin } from 'penstock/api'

import { jsonSchemaConfigDef } from './json-schema/json-schema-config-def.ts'
import { JsonSchemaFormat } from './json-schema/json-schema-format.ts'
import { jsonSchemaOptions } from './json-schema/json-schema-options.ts'
import { RegistryConverter } from './registry/registry-converter.ts'

/** `io.confluent.connect.json.JsonSchemaConverter`. */
export const plugin: ConverterPlugin = {
  kind: 'converter',
  className: 'io.confluent.connect.json.JsonSchemaConverter',
  aliases: [],
  version: '0.1.0',
  configDef: jsonSchemaConfigDef,
  create: (config, _raw, isKey) =>
    new RegistryConverter(config, isKey, new JsonSchemaFormat(jsonSchemaOptions(config))),
}
