import type { ConfigDef, ConfigValue, Validator } from '../../api/config-def.ts'

import { allOf, between, nonEmptyWithoutControlChars, oneOf, uniqueList } from '../../api/validators.ts'
import { connectorRestartKeys } from '../restart-settings.ts'
import { errorConfigDef } from './errors/error-config-def.ts'
import { nameProblem } from './connector-name.ts'
import { pluginVersionDef } from '../definition/plugin-version.ts'

/** The maximum of `tasks.max` (I10): each task has a config record, an entry in the assignment and, in a sink, a group member. */
export const maxTasks = 1000

/** Accepts only the default of a setting. Also accepts null: a value that did not parse is reported already. */
export function only(value: ConfigValue, reason: string): Validator {
  return (_key, given) => (given === value || given === null ? null : `Not supported: ${reason}`)
}

/** The keys of every connector, with the texts of Kafka Connect 3.9. */
export const connectorConfigDef: ConfigDef = {
  name: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'Globally unique name to use for this connector.',
    group: 'Common',
    displayName: 'Connector name',
    width: 'MEDIUM',
    order: 1,
    validator: allOf(nonEmptyWithoutControlChars, (_key, value) =>
      typeof value === 'string' ? nameProblem(value) : null,
    ),
  },
  'connector.class': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'Name or alias of the class for this connector. Must be a subclass of org.apache.kafka.connect.connector.Connector. If the connector is org.apache.kafka.connect.file.FileStreamSinkConnector, you can either specify this full name,  or use "FileStreamSink" or "FileStreamSinkConnector" to make the configuration a bit shorter',
    group: 'Common',
    displayName: 'Connector class',
    width: 'LONG',
    order: 2,
  },
  'tasks.max': {
    type: 'INT',
    defaultValue: 1,
    importance: 'HIGH',
    doc: 'Maximum number of tasks to use for this connector.',
    group: 'Common',
    displayName: 'Tasks max',
    width: 'SHORT',
    order: 3,
    validator: between(1, maxTasks),
  },
  'tasks.max.enforce': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'LOW',
    doc: '(Deprecated) Whether to enforce that the tasks.max property is respected by the connector. By default, connectors that generate too many tasks will fail, and existing sets of tasks that exceed the tasks.max property will also be failed. If this property is set to false, then connectors will be allowed to generate more than the maximum number of tasks, and existing sets of tasks that exceed the tasks.max property will be allowed to run. This property is deprecated and will be removed in an upcoming major release.',
    group: 'Common',
    displayName: 'Enforce tasks max',
    width: 'SHORT',
    order: 4,
    unsupportedValues: { false: 'a connector that creates more tasks than tasks.max fails' },
  },
  'key.converter': {
    type: 'CLASS',
    defaultValue: null,
    importance: 'LOW',
    doc: 'Converter class used to convert between Kafka Connect format and the serialized form that is written to Kafka. This controls the format of the keys in messages written to or read from Kafka, and since this is independent of connectors it allows any connector to work with any serialization format. Examples of common formats include JSON and Avro.',
    group: 'Common',
    displayName: 'Key converter class',
    width: 'SHORT',
    order: 5,
  },
  'value.converter': {
    type: 'CLASS',
    defaultValue: null,
    importance: 'LOW',
    doc: 'Converter class used to convert between Kafka Connect format and the serialized form that is written to Kafka. This controls the format of the values in messages written to or read from Kafka, and since this is independent of connectors it allows any connector to work with any serialization format. Examples of common formats include JSON and Avro.',
    group: 'Common',
    displayName: 'Value converter class',
    width: 'SHORT',
    order: 6,
  },
  'header.converter': {
    type: 'CLASS',
    defaultValue: null,
    importance: 'LOW',
    doc: 'HeaderConverter class used to convert between Kafka Connect format and the serialized form that is written to Kafka. This controls the format of the header values in messages written to or read from Kafka, and since this is independent of connectors it allows any connector to work with any serialization format. Examples of common formats include JSON and Avro. By default, the SimpleHeaderConverter is used to serialize header values to strings and deserialize them by inferring the schemas.',
    group: 'Common',
    displayName: 'Header converter class',
    width: 'SHORT',
    order: 7,
  },
  transforms: {
    type: 'LIST',
    defaultValue: [],
    importance: 'LOW',
    doc: 'Aliases for the transformations to be applied to records.',
    group: 'Transforms',
    displayName: 'Transforms',
    width: 'LONG',
    order: 8,
    validator: uniqueList(),
  },
  predicates: {
    type: 'LIST',
    defaultValue: [],
    importance: 'LOW',
    doc: 'Aliases for the predicates used by transformations.',
    group: 'Predicates',
    displayName: 'Predicates',
    width: 'LONG',
    order: 9,
    validator: uniqueList(),
  },
  'config.action.reload': {
    type: 'STRING',
    defaultValue: 'restart',
    importance: 'LOW',
    doc: "The action that Connect should take on the connector when changes in external configuration providers result in a change in the connector's configuration properties. A value of 'none' indicates that Connect will do nothing. A value of 'restart' indicates that Connect should restart/reload the connector with the updated configuration properties.The restart may actually be scheduled in the future if the external configuration provider indicates that a configuration value will expire in the future.",
    group: 'Common',
    displayName: 'Reload Action',
    width: 'MEDIUM',
    order: 10,
    validator: oneOf('none', 'restart'),
  },
  ...errorConfigDef,
  ...pluginVersionDef,
  ...connectorRestartKeys,
}
