import type { ConfigDef } from 'penstock/api'

import { cacheConfigDef } from '../registry/cache-size.ts'
import { flag, registryConfigDef } from '../registry/registry-config-def.ts'

/** The settings of the Avro converter. */
export const avroConfigDef = {
  ...registryConfigDef,
  'enhanced.avro.schema.support': flag(
    false,
    'Whether enums stay enums, and fields of unions have full names. Otherwise enums become strings.',
  ),
  'connect.meta.data': flag(
    true,
    'Whether names, versions, parameters, defaults and documentation of Connect schemas are attributes of the Avro schema.',
  ),
  'scrub.invalid.names': flag(
    false,
    'Whether characters that Avro does not allow in names are replaced. Otherwise such a record is refused.',
  ),
  'generalized.sum.type.support': flag(
    false,
    'Whether enums and unions have the form that other converters use too: `org.apache.kafka.connect.data.Enum` and `Union`.',
  ),
  'allow.optional.map.keys': flag(
    false,
    'Whether maps with keys that are optional strings are maps in Avro. Otherwise they are arrays of entries.',
  ),
  'discard.type.doc.default': flag(
    false,
    'Whether documentation and defaults of Avro types are left out of parameters: documentation of a field is that of its schema.',
  ),
  'flatten.singleton.unions': flag(
    false,
    'Whether a union with one branch is read as the branch, instead of a struct.',
  ),
  'ignore.default.for.nullables': flag(
    false,
    'Whether null in an optional field is written as null where the field has a default. Otherwise it is written as the default.',
  ),
  ...cacheConfigDef,
} as const satisfies ConfigDef
