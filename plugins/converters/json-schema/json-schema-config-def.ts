import { atLeast, oneOfIgnoringCase, type ConfigDef, type ConfigKey } from 'penstock/api'

import { flag, registryConfigDef } from '../registry/registry-config-def.ts'

const ofJavaClasses = 'it is about objects of Java classes, which converters do not have'

/** The settings of the JSON Schema converter. */
export const jsonSchemaConfigDef = {
  ...registryConfigDef,
  'object.additional.properties': flag(
    true,
    'Whether the schemas of structs allow members that are not in them. Otherwise they have `additionalProperties: false`.',
  ),
  'use.optional.for.nonrequired': flag(
    false,
    'Whether properties that a schema does not list as `required` are optional fields. Otherwise a message without them is refused.',
  ),
  'generalized.sum.type.support': flag(
    false,
    'Whether enums and unions have the form that other converters use too: `org.apache.kafka.connect.data.Enum` and `Union`.',
  ),
  'decimal.format': {
    type: 'STRING',
    defaultValue: 'BASE64',
    importance: 'LOW',
    doc: 'Whether decimals are written as base64 of their bytes (`BASE64`) or as numbers (`NUMERIC`), in any case. Both are read.',
    validator: oneOfIgnoringCase('NUMERIC', 'BASE64'),
  },
  'ignore.default.for.nullables': flag(
    false,
    'Whether null in an optional field stays null where the field has a default. Otherwise it is written, and read, as the default.',
  ),
  'schemas.cache.size': {
    type: 'INT',
    defaultValue: 1000,
    importance: 'LOW',
    doc: 'The number of schemas that the converter keeps, of those that it writes and of those that it reads.',
    validator: atLeast(1),
  },
  'json.fail.invalid.schema': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'MEDIUM',
    doc: 'Whether messages are validated against their JSON Schema.',
    unsupportedValues: {
      true: 'values are checked against the types of their schema, but not against other keywords, such as pattern',
    },
  },
  'json.fail.unknown.properties': ofJava('BOOLEAN', true, 'Whether unknown properties of Java objects are refused.'),
  'json.write.dates.iso8601': ofJava('BOOLEAN', false, 'Whether dates of Java objects are text.'),
  'json.schema.spec.version': ofJava('STRING', 'draft_7', 'The version of JSON Schema for Java classes.'),
  'json.oneof.for.nullables': ofJava('BOOLEAN', true, 'Whether nullable properties of Java classes are `oneOf`.'),
  'json.default.property.inclusion': ofJava('STRING', null, 'Which properties of Java objects are written.'),
  'json.indent.output': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'LOW',
    doc: 'Whether messages have line breaks and indentation.',
    unsupported: 'messages are compact JSON',
  },
} as const satisfies ConfigDef

function ofJava(type: 'BOOLEAN' | 'STRING', defaultValue: boolean | string | null, doc: string): ConfigKey {
  return { type, defaultValue, importance: 'LOW', doc, unsupported: ofJavaClasses }
}
