import { oneOf, type ConfigDef } from 'penstock/api'

import { formats } from './format-options.ts'
import { connector, storage } from '../../s3-store/config/grouped-key.ts'

const { bytes: _bytes, ...ofHeaders } = formats

/** The options of what is stored beside values. */
export const companionOptions = {
  'store.kafka.keys': storage(
    'BOOLEAN',
    'Whether to store keys, in objects beside those of values: …+0000000000.keys.avro. A record without a key then cannot be written.',
    { importance: 'LOW', defaultValue: false },
  ),
  'keys.format.class': storage('CLASS', 'The format of objects of keys: one of those of format.class.', {
    importance: 'LOW',
    defaultValue: formats.avro,
    validator: oneOf(...Object.values(formats)),
    recommended: Object.values(formats),
  }),
  'store.kafka.headers': storage(
    'BOOLEAN',
    'Whether to store headers as texts, in objects beside those of values: …+0000000000.headers.avro. A header without a value cannot be written.',
    { importance: 'LOW', defaultValue: false },
  ),
  'headers.format.class': storage(
    'CLASS',
    'The format of objects of headers: one of those of format.class, but not ByteArrayFormat.',
    {
      importance: 'LOW',
      defaultValue: formats.avro,
      validator: oneOf(...Object.values(ofHeaders)),
      recommended: Object.values(ofHeaders),
    },
  ),
  'tombstone.encoded.partition': connector(
    'STRING',
    'The directory of the keys and headers of records without a value, with behavior.on.null.values=write.',
    { importance: 'LOW', defaultValue: 'tombstone' },
  ),
} as const satisfies ConfigDef
