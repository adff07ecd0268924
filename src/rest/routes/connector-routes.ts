import type { TargetState } from '../../config/connector/target-state.ts'
import type { ConnectValue, PlainMap } from '../../api/schema.ts'
import type { SubmittedConfig } from '../../config/definition/config-infos.ts'
import type { ConnectorInfo } from '../../herder/entities/connector-info.ts'
import type { Herder, SubmittedConnector } from '../../herder/herder.ts'

import { NotFoundError } from '../../api/errors.ts'
import { BadRequestError } from '../../herder/herder-errors.ts'
import { configOf, objectWith, parseBody, textOf } from '../request/json-body.ts'
import { RestError } from '../rest-error.ts'
import { param, type RestResponse, type Route } from '../route.ts'
import { commands, shows } from './connector-operation.ts'
import { connectorStatusJson } from './state-routes.ts'
import { taskIdJson } from './task-routes.ts'

/** Connectors and their configs. */
export const connectorRoutes: readonly Route[] = [
  {
    operationId: 'listConnectors',
    method: 'GET',
    path: '/connectors',
    needs: { role: 'read', of: 'asked connectors' },
    isQuick: (query) => !query.has('expand'),
    async handle({ query, caller }, { herder }) {
      const names = (await herder.connectors()).filter((name) => caller.reaches(name))
      const expansions = query.getAll('expand')
      if (expansions.length === 0) return { status: 200, json: names }
      const expanded = await Promise.all(names.map(async (name) => [name, await expand(herder, name, expansions)]))
      return { status: 200, json: Object.fromEntries(expanded.filter(([, entry]) => entry !== null)) as ConnectValue }
    },
  },
  {
    operationId: 'createConnector',
    method: 'POST',
    path: '/connectors',
    needs: { role: 'admin', of: 'asked connectors' },
    forwardable: true,
    async handle({ body, base, reach, signal }, { herder }) {
      const request = createRequest(body)
      const name = (request.name ?? '').trim()
      reach(name)
      const config = withName(name, request.config)
      return submitted(await herder.createConnector(name, config, request.initialState, signal), base)
    },
  },
  shows(['getConnector', ''], async (herder, connector) => connectorInfoJson(await herder.connectorInfo(connector))),
  shows(['getConnectorConfig', '/config'], (herder, connector) => herder.connectorConfig(connector)),
  commands(['deleteConnector', ''], {
    role: 'admin',
    method: 'DELETE',
    status: 204,
    forwardable: true,
    run: (herder, connector, signal) => herder.deleteConnector(connector, signal),
  }),
  {
    operationId: 'putConnectorConfig',
    method: 'PUT',
    path: '/connectors/{connector}/config',
    needs: { role: 'admin', of: 'connector' },
    forwardable: true,
    async handle(request, { herder }) {
      const name = param(request, 'connector')
      const config = withName(name, configOf(parseBody(request.body), 'config'))
      return submitted(await herder.putConnectorConfig(name, config, request.signal), request.base)
    },
  },
  {
    operationId: 'patchConnectorConfig',
    method: 'PATCH',
    path: '/connectors/{connector}/config',
    needs: { role: 'admin', of: 'connector' },
    forwardable: true,
    async handle(request, { herder }) {
      const name = param(request, 'connector')
      const patch = configOf(parseBody(request.body), 'config')
      checkName(name, patch)
      return submitted(await herder.patchConnectorConfig(name, patch, request.signal), request.base)
    },
  },
]

function connectorInfoJson(info: ConnectorInfo): PlainMap {
  return { name: info.name, config: info.config, tasks: info.tasks.map(taskIdJson), type: info.type }
}

interface CreateRequest {
  readonly name: string | null
  readonly config: SubmittedConfig
  readonly initialState: TargetState | null
}

function createRequest(body: string): CreateRequest {
  const fields = ['name', 'config', 'initial_state']
  const request = objectWith(parseBody(body), 'body with "name" and "config"', fields)
  return {
    name: textOf(request['name'], 'name'),
    initialState: initialState(textOf(request['initial_state'], 'initial_state')),
    config: configOf(request['config'], 'config'),
  }
}

function initialState(text: string | null): TargetState | null {
  const states: Readonly<Record<string, TargetState>> = { RUNNING: 'STARTED', PAUSED: 'PAUSED', STOPPED: 'STOPPED' }
  if (text === null) return null
  const state = states[text.toUpperCase()]
  if (state === undefined) throw new RestError(500, `"initial_state" is ${text}; it can be RUNNING, PAUSED or STOPPED`)
  return state
}

/** The config, with the connector's name. @throws BadRequestError when it has another name */
function withName(name: string, config: SubmittedConfig): SubmittedConfig {
  checkName(name, config)
  return (config['name'] ?? null) === null ? { ...config, name } : config
}

/** @throws BadRequestError when the config has another name */
function checkName(name: string, config: SubmittedConfig): void {
  const included = config['name'] ?? null
  if (included === null || included === name) return
  throw new BadRequestError(
    `Connector name configuration (${included}) doesn't match connector name in the URL (${name})`,
  )
}

function submitted({ created, info, warnings }: SubmittedConnector, base: string): RestResponse {
  const json = connectorInfoJson(info)
  const headers = warnings.length === 0 ? {} : { Warning: warningHeader(warnings) }
  if (!created) return { status: 200, json, headers }
  return { status: 201, json, headers: { ...headers, Location: `${base}/connectors/${pathSegment(info.name)}` } }
}

/** `299 - "text"` each, the form of RFC 7234 for warnings without a code of their own; headers are ASCII. */
function warningHeader(warnings: readonly string[]): string {
  const quoted = (text: string): string => text.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')
  return warnings.map((warning) => `299 - "${quoted(warning)}"`).join(', ')
}

/** Encodes a name for a path as Connect does: characters that a path may contain stay, except the semicolon, which begins parameters. */
function pathSegment(name: string): string {
  return encodeURIComponent(name).replace(/%(?:24|26|2B|2C|3A|3D|40)/g, decodeURIComponent)
}

/** The expansions of a connector; null when it has no status yet or was deleted meanwhile. Unknown expansions are ignored. */
async function expand(herder: Herder, name: string, expansions: readonly string[]): Promise<ConnectValue> {
  const entry: Record<string, ConnectValue> = {}
  try {
    for (const expansion of expansions) {
      if (expansion === 'status') entry['status'] = connectorStatusJson(await herder.connectorStatus(name))
      if (expansion === 'info') entry['info'] = connectorInfoJson(await herder.connectorInfo(name))
    }
  } catch (error) {
    if (error instanceof NotFoundError) return null
    throw error
  }
  return entry
}
