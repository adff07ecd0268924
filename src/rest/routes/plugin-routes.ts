import type { SubmittedConfig } from '../../config/definition/config-infos.ts'

import { ConfigError } from '../../api/errors.ts'
import { BadRequestError } from '../../herder/herder-errors.ts'
import { configOf, parseBody } from '../request/json-body.ts'
import { RestError } from '../rest-error.ts'
import { flag, param, type Route } from '../route.ts'
import { configInfosJson, configKeyJson, pluginInfoJson } from '../wire.ts'

/** What can be run, and what it can be told. */
export const pluginRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/connector-plugins',
    async handle(request, { herder }) {
      const connectorsOnly = flag(request, 'connectorsOnly', true)
      const plugins = await herder.plugins()
      const shown = plugins.filter(({ kind }) => !connectorsOnly || kind === 'sink' || kind === 'source')
      return { status: 200, json: shown.map(pluginInfoJson) }
    },
  },
  {
    method: 'GET',
    path: '/connector-plugins/{plugin}/config',
    async handle(request, { herder }) {
      const keys = await herder.pluginConfig(param(request, 'plugin'), request.signal)
      return { status: 200, json: keys.map(configKeyJson) }
    },
  },
  {
    method: 'PUT',
    path: '/connector-plugins/{plugin}/config/validate',
    async handle(request, { herder }) {
      const config = configOf(parseBody(request.body), 'config')
      checkClass(param(request, 'plugin'), config)
      try {
        return { status: 200, json: configInfosJson(await herder.validateConnectorConfig(config, request.signal)) }
      } catch (error) {
        // Connect does not look into what failed here: a config without class is its 500, not a 400.
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
