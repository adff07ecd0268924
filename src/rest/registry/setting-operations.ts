import type { ConnectValue } from '../../api/schema.ts'
import type { SchemaRegistry } from '../../registry/schema-registry.ts'
import type { RegistryRequest } from './registry-request.ts'

import type { ConfigChange } from '../../registry/operations/settings-change.ts'
import { registryErrors } from '../../registry/registry-error.ts'
import {
  defaultLevel,
  defaultMode,
  isLevel,
  isMode,
  type CompatibilityLevel,
  type RegistryMode,
} from '../../registry/state/settings.ts'
import { contextOfPath } from './registry-request.ts'
import { changedConfigJson } from './registry-response.ts'
import type { RegistryOperation } from './registry-route.ts'

/** Settings of Confluent's configs that this registry does not have, and refuses. */
const unsupportedSettings = [
  'alias',
  'aliasForDeks',
  'validateFields',
  'validateNewSchemas',
  'validateRules',
  'compatibilityPolicy',
  'compatibilityGroup',
  'defaultMetadata',
  'overrideMetadata',
  'defaultRuleSet',
  'overrideRuleSet',
]

/** Configs and modes, of everything, of contexts and of subjects; and contexts themselves. */
export const settingOperations: readonly RegistryOperation[] = [
  ...configOperations(''),
  ...configOperations('/{subject}'),
  ...modeOperations(''),
  ...modeOperations('/{subject}'),
  {
    operationId: 'listContexts',
    method: 'GET',
    path: '/contexts',
    role: 'read',
    query: ['contextPrefix', 'offset', 'limit'],
    async handle(request, registry) {
      const prefix = request.text('contextPrefix')
      return [...request.page(registry.contexts.filter((context) => context.startsWith(prefix)))]
    },
  },
  {
    operationId: 'deleteContext',
    method: 'DELETE',
    path: '/contexts/{context}',
    role: 'operate',
    async handle(request, registry) {
      await registry.removeContext(contextOfPath(request.part('context')))
      return null
    },
  },
]

function configOperations(below: string): readonly RegistryOperation[] {
  const of = below === '' ? 'Global' : 'Subject'
  const path = `/config${below}`
  return [
    { operationId: `get${of}Config`, method: 'GET', path, role: 'read', query: ['defaultToGlobal'], handle: getConfig },
    {
      operationId: `put${of}Config`,
      method: 'PUT',
      path,
      role: 'operate',
      async handle(request, registry) {
        return changedConfigJson(await registry.changeConfig(request.scope, changeOf(request)))
      },
    },
    {
      operationId: `delete${of}Config`,
      method: 'DELETE',
      path,
      role: 'operate',
      async handle(request, registry) {
        const removed = await registry.removeConfig(request.scope)
        return { compatibilityLevel: removed?.level ?? defaultLevel }
      },
    },
  ]
}

async function getConfig(request: RegistryRequest, registry: SchemaRegistry): Promise<ConnectValue> {
  const { scope } = request
  const inScope = registry.configInScope(scope)
  if (request.flag('defaultToGlobal') || scope === null)
    return { ...(inScope.normalize ? { normalize: true } : {}), compatibilityLevel: inScope.level }
  const config = registry.config(scope)
  if (config === null) throw registryErrors.levelNotConfigured(scope)
  const { level, normalize } = config
  return { ...(normalize === null ? {} : { normalize }), compatibilityLevel: level ?? inScope.level }
}

function changeOf(request: RegistryRequest): ConfigChange {
  const body = request.body(['compatibility', 'normalize', ...unsupportedSettings])
  const refused = unsupportedSettings.find((setting) => (body[setting] ?? null) !== null)
  if (refused !== undefined)
    throw registryErrors.unprocessable(`"${refused}" is not supported: configs have "compatibility" and "normalize"`)
  const { compatibility, normalize } = body
  if (compatibility !== undefined && compatibility !== null && typeof compatibility !== 'string')
    throw registryErrors.invalidLevel()
  if (normalize !== undefined && normalize !== null && typeof normalize !== 'boolean')
    throw registryErrors.unprocessable('"normalize" is neither true nor false')
  return {
    ...(compatibility === undefined ? {} : { level: compatibility === null ? null : levelOf(compatibility) }),
    ...(normalize === undefined ? {} : { normalize }),
  }
}

function levelOf(text: string): CompatibilityLevel {
  const level = text.toUpperCase()
  if (isLevel(level)) return level
  throw registryErrors.invalidLevel()
}

function modeOperations(below: string): readonly RegistryOperation[] {
  const of = below === '' ? 'Global' : 'Subject'
  const path = `/mode${below}`
  return [
    {
      operationId: `get${of}Mode`,
      method: 'GET',
      path,
      role: 'read',
      query: ['defaultToGlobal'],
      async handle(request, registry) {
        const { scope } = request
        if (request.flag('defaultToGlobal') || scope === null) return { mode: registry.modeInScope(scope) }
        const mode = registry.mode(scope)
        if (mode === null) throw registryErrors.modeNotConfigured(scope)
        return { mode }
      },
    },
    {
      operationId: `put${of}Mode`,
      method: 'PUT',
      path,
      role: 'operate',
      query: ['force'],
      async handle(request, registry) {
        const mode = modeOf(request)
        await registry.changeMode({ scope: request.scope, mode, force: request.flag('force') })
        return { mode }
      },
    },
    {
      operationId: `delete${of}Mode`,
      method: 'DELETE',
      path,
      role: 'operate',
      query: ['recursive'],
      async handle(request, registry) {
        const removed = await registry.removeMode(request.scope, request.flag('recursive'))
        return { mode: removed ?? defaultMode }
      },
    },
  ]
}

function modeOf(request: RegistryRequest): RegistryMode {
  const { mode } = request.body(['mode'])
  const name = typeof mode === 'string' ? mode.toUpperCase() : null
  if (isMode(name)) return name
  throw name === 'FORWARD'
    ? registryErrors.invalidMode('The mode FORWARD is not supported: this registry forwards nothing to another one')
    : registryErrors.invalidMode()
}
