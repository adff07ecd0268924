import { between, oneOfIgnoringCase, type ConfigDef, type Validator } from 'penstock/api'
import { Key } from '../key.ts'
import { key } from './option.ts'
import { definition, template } from './template-validator.ts'

const connector = 'Connector'
const stream = 'Data Stream'

const namePart: Validator = Object.assign(
  (_key: string, value: unknown): string | null => {
    const text = String(value ?? '').replaceAll('${topic}', 'topic')
    const illegal = /[\\/*?"<>| ,#\-:]/.exec(text)
    if (illegal !== null) return `a part of the name of a data stream cannot contain '${illegal[0]}'`
    if (text !== text.toLowerCase()) return 'a part of the name of a data stream is lower case'
    return text.length > 100 ? 'a part of the name of a data stream has at most 100 characters' : null
  },
  { describe: 'At most 100 characters, lower case, none of \\ / * ? " < > | space , # - :' },
)

/** What records are written to. */
export const resourceOptions: ConfigDef = {
  [Key.indexName]: key(
    'STRING',
    connector,
    'Template of the index name, in place of the topic: `{topic}-{timestamp:yyyy.MM.dd}`, for instance. The README names the placeholders.',
    { importance: 'LOW', defaultValue: '', validator: template },
  ),
  [Key.indexDefinition]: key(
    'STRING',
    connector,
    'JSON with `settings` and `mappings` of the indices and data streams that the sink creates. Its fields take precedence over those of the schema.',
    { importance: 'LOW', defaultValue: '', validator: definition },
  ),
  [Key.externalUsage]: key(
    'STRING',
    connector,
    'Write to existing indices (`index`), aliases (`alias_index`), data streams (`datastream`) or aliases of data streams (`alias_datastream`), with topic.to.external.resource.mapping.',
    {
      importance: 'LOW',
      defaultValue: 'disabled',
      validator: oneOfIgnoringCase('disabled', 'index', 'alias_index', 'datastream', 'alias_datastream'),
    },
  ),
  [Key.externalMapping]: key('LIST', connector, 'Items `topic:resource`: the existing resource for each topic.', {
    importance: 'LOW',
    defaultValue: [],
  }),
  [Key.externalMappingsMax]: key('INT', connector, 'Maximum number of items in topic.to.external.resource.mapping.', {
    importance: 'LOW',
    defaultValue: 15,
    validator: between(1, 2_147_483_647),
  }),
  [Key.streamType]: key(
    'STRING',
    stream,
    'With `logs` or `metrics`, and a data.stream.dataset, records are appended to data streams, which the sink creates.',
    { importance: 'LOW', defaultValue: 'none', validator: oneOfIgnoringCase('NONE', 'LOGS', 'METRICS') },
  ),
  [Key.streamDataset]: key('STRING', stream, 'The second part of the name: `type-dataset-namespace`.', {
    importance: 'LOW',
    defaultValue: '',
    validator: namePart,
  }),
  [Key.streamNamespace]: key(
    'STRING',
    stream,
    'The third part of the name, of which the first 100 characters count. `${topic}` stands for the topic in lower case.',
    { importance: 'LOW', defaultValue: '${topic}', validator: namePart },
  ),
  [Key.streamTimestamp]: key(
    'LIST',
    stream,
    'Fields of the value: the first that a record has becomes `@timestamp`. Without fields, the timestamp of the record does.',
    { importance: 'LOW', defaultValue: [] },
  ),
}
