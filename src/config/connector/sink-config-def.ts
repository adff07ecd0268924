import type { ConfigDef } from '../../api/config-def.ts'

import { javaRegex } from '../../api/validators.ts'
import { connectorConfigDef } from './connector-config-def.ts'
import { deadLetterConfigDef } from './errors/error-config-def.ts'
import { parkConfigDef } from './errors/park-settings.ts'

/** The keys of every sink connector. */
export const sinkConfigDef: ConfigDef = {
  ...connectorConfigDef,
  topics: {
    type: 'LIST',
    defaultValue: [],
    importance: 'HIGH',
    doc: 'List of topics to consume, separated by commas',
    group: 'Common',
    displayName: 'Topics',
    width: 'LONG',
    order: 4,
  },
  'topics.regex': {
    type: 'STRING',
    defaultValue: '',
    importance: 'HIGH',
    doc: 'Regular expression giving topics to consume. Under the hood, the regex is compiled to a <code>java.util.regex.Pattern</code>. Only one of topics or topics.regex should be specified.',
    group: 'Common',
    displayName: 'Topics regex',
    width: 'LONG',
    order: 4,
    validator: javaRegex,
  },
  ...deadLetterConfigDef,
  ...parkConfigDef,
}
