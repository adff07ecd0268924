import type { PlainMap } from '../../api/schema.ts'
import type {
  ConfigInfos,
  ConfigKeyInfo,
  ConfigValueInfo,
  SubmittedConfig,
} from '../../config/definition/config-infos.ts'
import type { PluginInfo } from '../../herder/entities/plugin-info.ts'

import { ConfigError } from '../../api/errors.ts'
import { BadRequestError } from '../../herder/herder-errors.ts'
import { configOf, parseBody } from '../request/json-body.ts'
import { RestError } from '../rest-error.ts'
import { flag, param, type Route } from '../route.ts'

/** The installed plugins and their configuration. */
export const pluginRoutes: readonly Route[] = [
  {
    operationId: 'listPlugins',
    method: 'GET',
    path: '/connector-plugins',
    needs: { role: 'read', of: 'worker' },
    async handle(request, { herder }) {
      const connectorsOnly = flag(request, 'connectorsOnly', true)
      const plugins = await herder.plugins()
      const shown = plugins.filter(({ kind }) => !connectorsOnly || kind === 'sink' || kind === 'source')
      return { status: 200, json: shown.map(pluginInfoJson) }
    },
  },
  {
    operationId: 'getPluginConfig',
    method: 'GET',
    path: '/connector-plugins/{plugin}/config',
    needs: { role: 'read', of: 'worker' },
    async handle(request, { herder }) {
      const keys = await herder.pluginConfig(param(request, 'plugin'), request.query.get('version'), request.signal)
      return { status: 200, json: keys.map(configKeyJson) }
    },
  },
  {
    operationId: 'validateConfig',
    method: 'PUT',
    path: '/connector-plugins/{plugin}/config/validate',
    // It connects to servers that the config names, with the secrets to which it refers.
    needs: { role: 'admin', of: 'asked connectors' },
    async handle(request, { herder }) {
      const config = configOf(parseBody(request.body), 'config')
      const name = config['name'] ?? null
      if (name !== null) request.reach(name)
      checkClass(param(request, 'plugin'), config)
      try {
        return { status: 200, json: configInfosJson(await herder.validateConnectorConfig(config, request.signal)) }
      } catch (error) {
        // Connect does not distinguish failures here: a config without a class is a 500, not a 400.
        if (error instanceof BadRequestError || error instanceof ConfigError) throw new RestError(500, error.message)
        throw error
      }
    },
  },
]

function checkClass(plugin: string, config: SubmittedConfig): void {
  const included = config['connector.class'] ?? null
  if (included === null || withoutConnector(included).endsWith(withoutConnector(plugin))) return
  throw new BadRequestError(`Included connector type ${included} does not match request type ${plugin}`)
}

function withoutConnector(name: string): string {
  return name.length > 'Connector'.length && name.endsWith('Connector') ? name.slice(0, -'Connector'.length) : name
}

function pluginInfoJson(plugin: PluginInfo): PlainMap {
  return {
    class: plugin.className,
    type: plugin.kind,
    ...(plugin.version === null ? {} : { version: plugin.version }),
  }
}

function configInfosJson(infos: ConfigInfos): PlainMap {
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

function configKeyJson(key: ConfigKeyInfo): PlainMap {
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
