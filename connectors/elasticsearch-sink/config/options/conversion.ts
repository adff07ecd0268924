import { oneOfIgnoringCase, type ConfigDef } from 'penstock/api'
import { template } from './template-validator.ts'
import { Key } from '../key.ts'
import { key } from './option.ts'

const conversion = 'Data Conversion'

/** How records become documents. */
export const conversionOptions: ConfigDef = {
  [Key.documentVersion]: key(
    'STRING',
    conversion,
    'The version of a write: `auto` uses the header `__penstock.version` if a record has it, else its offset; `header` requires the header; `offset` uses the offset; `none` writes without a version. Versions are sent as external_gte, so that an older change never overwrites a later one.',
    { importance: 'MEDIUM', defaultValue: 'auto', validator: oneOfIgnoringCase('auto', 'header', 'offset', 'none') },
  ),
  [Key.documentValues]: key(
    'STRING',
    conversion,
    'For values with a schema: `exact` writes decimals with all their digits, and dates and times as ISO-8601 in UTC; `raw` writes them as Confluent does (decimals as doubles, dates and times as numbers).',
    { importance: 'MEDIUM', defaultValue: 'exact', validator: oneOfIgnoringCase('exact', 'raw') },
  ),
  [Key.idTemplate]: key(
    'STRING',
    conversion,
    'Template of the document id, in place of the key: `{topic}-{key.id}`, for instance. The README names the placeholders.',
    { importance: 'LOW', defaultValue: '', validator: template },
  ),
  [Key.routing]: key(
    'STRING',
    conversion,
    'Template of the routing of documents: those with the same routing are in one shard.',
    { importance: 'LOW', defaultValue: '', validator: template },
  ),
  [Key.pipeline]: key('STRING', conversion, 'Ingest pipeline that Elasticsearch runs documents through.', {
    importance: 'LOW',
    defaultValue: '',
  }),
  [Key.envelope]: key(
    'STRING',
    conversion,
    'Change events of Debezium: `unwrap` writes their rows and applies their deletes; `keep` writes the events themselves.',
    { importance: 'MEDIUM', defaultValue: 'unwrap', validator: oneOfIgnoringCase('unwrap', 'keep') },
  ),
  [Key.placeholder]: key(
    'STRING',
    conversion,
    'Placeholder of a source for an unchanged large value. It is never written to a document: the stored value stays.',
    { importance: 'LOW', defaultValue: '__debezium_unavailable_value' },
  ),
  [Key.keyIgnore]: key('BOOLEAN', conversion, 'Use topic+partition+offset as the document id instead of the key.', {
    importance: 'HIGH',
    defaultValue: false,
  }),
  [Key.topicKeyIgnore]: key('LIST', conversion, 'Topics for which key.ignore is true.', {
    importance: 'LOW',
    defaultValue: [],
  }),
  [Key.schemaIgnore]: key('BOOLEAN', conversion, 'Do not create mappings from schemas.', {
    importance: 'LOW',
    defaultValue: false,
  }),
  [Key.topicSchemaIgnore]: key('LIST', conversion, 'Topics for which schema.ignore is true.', {
    importance: 'LOW',
    defaultValue: [],
  }),
  [Key.compactMaps]: key(
    'BOOLEAN',
    conversion,
    'Write maps with string keys as objects; false writes arrays of key-value objects.',
    { importance: 'LOW', defaultValue: true },
  ),
  [Key.dropInvalid]: key(
    'BOOLEAN',
    conversion,
    'Drop records that cannot become a document instead of failing the task. They are counted and logged.',
    { importance: 'LOW', defaultValue: false },
  ),
  [Key.nullValues]: key(
    'STRING',
    conversion,
    'Records with a key and no value: `delete` the document, `ignore` the record, or `fail` the task. Data streams keep their documents: there `fail` is the default.',
    { importance: 'LOW', defaultValue: 'delete', validator: oneOfIgnoringCase('ignore', 'delete', 'fail') },
  ),
  [Key.malformed]: key(
    'STRING',
    conversion,
    'Documents that Elasticsearch rejects: `fail` the task, or skip them: `warn` with a log line, `ignore` without, `report` to the dead letter queue, which it requires.',
    { importance: 'LOW', defaultValue: 'fail', validator: oneOfIgnoringCase('ignore', 'warn', 'fail', 'report') },
  ),
  [Key.versionConflict]: key(
    'STRING',
    conversion,
    'Documents with a higher version than a record, which no earlier delivery explains: `fail` the task, or keep the stored document and continue: `warn` with a log line and in the status, `ignore` without. Versions in a header of your own (external.version.header) may come in any order and are not checked.',
    { importance: 'MEDIUM', defaultValue: 'fail', validator: oneOfIgnoringCase('fail', 'warn', 'ignore') },
  ),
  [Key.versionHeader]: key(
    'STRING',
    conversion,
    'Name of the header with the version, if it is not `__penstock.version`.',
    { importance: 'LOW', defaultValue: '' },
  ),
  [Key.writeMethod]: key(
    'STRING',
    conversion,
    '`insert` replaces the document; `upsert` changes the fields that the record has and keeps the others, without versions.',
    { importance: 'LOW', defaultValue: 'insert', validator: oneOfIgnoringCase('insert', 'upsert') },
  ),
  [Key.autoIds]: key(
    'BOOLEAN',
    conversion,
    'Let Elasticsearch choose the ids: records that are sent twice become two documents.',
    { importance: 'LOW', defaultValue: false },
  ),
}
