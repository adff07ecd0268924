import type { ConfigDef } from 'penstock/api'

import { cacheConfigDef } from '../registry/cache-size.ts'
import { flag, registryConfigDef } from '../registry/registry-config-def.ts'

const noReferences = 'schemas of records refer to known types only, which every registry has'

/** The settings of the Protobuf converter. */
export const protobufConfigDef = {
  ...registryConfigDef,
  'enhanced.protobuf.schema.support': flag(
    false,
    'Whether structs, enums, maps and unions of messages that are read have full names, with their package.',
  ),
  'scrub.invalid.names': flag(
    false,
    'Whether characters that Protobuf does not allow in names are replaced. Otherwise such a record is refused.',
  ),
  'int.for.enums': flag(false, 'Whether enums are read as numbers. Otherwise they are strings.'),
  'optional.for.nullables': flag(
    false,
    'Whether fields that may be null have the keyword `optional`, so that null stays null. Otherwise null is read as zero or empty.',
  ),
  'optional.for.proto2': flag(
    true,
    'Whether fields with the keyword `optional` of proto2 that are missing are null. Otherwise they have their default.',
  ),
  'wrapper.for.nullables': flag(
    false,
    'Whether primitive values that may be null are wrapper messages, such as `google.protobuf.StringValue`, so that null stays null.',
  ),
  'wrapper.for.raw.primitives': flag(
    true,
    'Whether a message that is a wrapper message is read as its value. Otherwise it is a struct with the field `value`.',
  ),
  'generate.struct.for.nulls': flag(
    false,
    'Whether messages and optional values that are missing are read as empty ones. Otherwise they are null.',
  ),
  'generate.index.for.unions': flag(true, 'Whether names of the fields that hold a oneof end with `_` and its index.'),
  'flatten.unions': flag(
    false,
    'Whether the fields of a oneof are fields of the struct. Otherwise they are in a struct of their own.',
  ),
  'generalized.sum.type.support': flag(
    false,
    'Whether enums and unions have the form that other converters use too: `org.apache.kafka.connect.data.Enum` and `Union`.',
  ),
  'ignore.default.for.nullables': flag(
    false,
    'Whether null in an optional field is written as null where the field has a default. Otherwise it is written as the default.',
  ),
  ...cacheConfigDef,
  'skip.known.types': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'LOW',
    doc: 'Whether schemas with known types, such as `google.protobuf.Timestamp`, are registered without references to them.',
    unsupportedValues: { false: noReferences },
  },
  'reference.subject.name.strategy': {
    type: 'STRING',
    defaultValue: null,
    importance: 'LOW',
    doc: 'The subject of schemas that a schema refers to.',
    unsupported: noReferences,
  },
} as const satisfies ConfigDef
