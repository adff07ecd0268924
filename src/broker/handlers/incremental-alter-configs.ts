import { errorCodes } from '../../protocol/error-codes.ts'
import { incrementalAlterConfigs } from '../../protocol/messages/incremental-alter-configs.ts'
import type { RequestOf } from '../../protocol/schema.ts'
import { alterTopic, repeatedResources, type AlterResponse } from '../settings/alter-topic-configs.ts'
import type { BrokerState } from '../broker-state.ts'
import { register } from '../requests/register.ts'
import { isListConfig, listOf, type TopicOverrides } from '../settings/topic-configs.ts'
import { topicConfigDefinition } from '../settings/topic-config-definitions.ts'
import { TopicError } from '../topics/topic-error.ts'

/*
 * IncrementalAlterConfigs (44), versions 0 and 1: single configs of topics. Operations: 0 set, 1 delete, 2 append to a list,
 * 3 subtract from a list (KIP-339). All changes of a resource are applied, or none.
 */

type Resource = RequestOf<typeof incrementalAlterConfigs>['resources'][number]
type Change = Resource['configs'][number]

const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const

/** Serves IncrementalAlterConfigs. */
export const incrementalAlterConfigsRegistration = register(
  incrementalAlterConfigs,
  (state: BrokerState) =>
    async ({ resources, validateOnly }) => {
      const repeated = repeatedResources(resources)
      const responses: AlterResponse[] = []
      for (const resource of resources) {
        const change = (current: TopicOverrides): TopicOverrides => applied(current, resource)
        responses.push(await alterTopic(state, resource, change, { validateOnly, isRepeated: repeated.has(resource) }))
      }
      return { responses }
    },
)

function applied(current: TopicOverrides, { configs }: Resource): TopicOverrides {
  if (new Set(configs.map(({ name }) => name)).size < configs.length) {
    throw new TopicError(errorCodes.INVALID_REQUEST, 'Each config can be changed once in a request.')
  }
  const overrides = new Map(Object.entries(current))
  for (const change of configs) applyOne(overrides, change)
  return Object.fromEntries(overrides)
}

function applyOne(overrides: Map<string, string>, { name, configOperation, value }: Change): void {
  if (configOperation === operations.delete) {
    overrides.delete(name)
    return
  }
  if (value === null) throw new TopicError(errorCodes.INVALID_REQUEST, `Null value not supported for : ${name}`)
  if (configOperation === operations.set) {
    overrides.set(name, value.trim())
    return
  }
  if (configOperation !== operations.append && configOperation !== operations.subtract) {
    throw new TopicError(errorCodes.INVALID_REQUEST, `Unknown operation ${configOperation} for ${name}`)
  }
  if (isListConfig(name) !== true) {
    throw new TopicError(errorCodes.INVALID_CONFIG, `Config value append is not allowed for config: ${name}`)
  }
  const items = new Set(listOf(overrides.get(name) ?? topicConfigDefinition(name)?.default ?? ''))
  for (const item of listOf(value)) {
    if (configOperation === operations.append) items.add(item)
    else items.delete(item)
  }
  overrides.set(name, [...items].join(','))
}
