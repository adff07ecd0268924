import type { TaskId } from '../config/connector/task-id.ts'
import type { ConnectValue, PlainMap } from '../api/schema.ts'
import type { ConfigInfos, ConfigKeyInfo, ConfigValueInfo } from '../config/definition/config-infos.ts'
import type { ConnectorInfo } from '../herder/entities/connector-info.ts'
import type { ConnectorStatus, InstanceStatus, TaskStatus } from '../herder/entities/connector-status.ts'
import type { PluginInfo } from '../herder/entities/plugin-info.ts'
import type { TaskInfo } from '../herder/entities/task-info.ts'

/**
 * The herder's entities as Connect's JSON, fields in Connect's order. The one place that knows the snake_case names.
 */
export function connectorInfoJson(info: ConnectorInfo): PlainMap {
  return { name: info.name, config: info.config, tasks: info.tasks.map(taskIdJson), type: info.type }
}

export function taskInfoJson(info: TaskInfo): PlainMap {
  return { id: taskIdJson(info.id), config: info.config }
}

export function connectorStatusJson(status: ConnectorStatus): PlainMap {
  return {
    name: status.name,
    connector: instanceJson(status.connector),
    tasks: status.tasks.map(taskStatusJson),
    type: status.type,
  }
}

export function taskStatusJson(status: TaskStatus): PlainMap {
  return { id: status.id, ...instanceJson(status) }
}

export function pluginInfoJson(plugin: PluginInfo): PlainMap {
  return {
    class: plugin.className,
    type: plugin.kind,
    ...(plugin.version === null ? {} : { version: plugin.version }),
  }
}

export function configInfosJson(infos: ConfigInfos): PlainMap {
  return {
    name: infos.name,
    error_count: infos.errorCount,
    groups: infos.groups,
    configs: infos.configs.map(({ definition, value }) => ({
      definition: definition === null ? null : configKeyJson(definition),
      value: configValueJson(value),
    })),
  }
}

export function configKeyJson(key: ConfigKeyInfo): PlainMap {
  return {
    name: key.name,
    type: key.type,
    required: key.required,
    default_value: key.defaultValue,
    importance: key.importance,
    documentation: key.documentation,
    group: key.group,
    width: key.width,
    display_name: key.displayName,
    dependents: key.dependents,
    order: key.order,
  }
}

function configValueJson(value: ConfigValueInfo): PlainMap {
  return {
    name: value.name,
    value: value.value,
    recommended_values: value.recommendedValues,
    errors: value.errors,
    visible: value.visible,
  }
}

function taskIdJson(id: TaskId): PlainMap {
  return { connector: id.connector, task: id.task }
}

function instanceJson(status: InstanceStatus): Record<string, ConnectValue> {
  const { state, workerId, trace } = status
  return { state, worker_id: workerId, ...(trace === null || trace === '' ? {} : { trace }) }
}
