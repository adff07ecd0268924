import { LogError } from '../../log/log-error.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import type { BrokerState } from '../broker-state.ts'
import { resourceTypes } from './config-resources.ts'
import { repeatedOf } from '../requests/repeated.ts'
import { topicConfigFault, type TopicOverrides } from './topic-configs.ts'
import { TopicError } from '../topics/topic-error.ts'

/** The name of a resource with configs. */
export interface ConfigResource {
  readonly resourceType: number
  readonly resourceName: string
}

/** The response of AlterConfigs and IncrementalAlterConfigs for one resource. */
export interface AlterResponse extends ConfigResource {
  readonly errorCode: number
  readonly errorMessage: string | null
}

/** The resources that a request names more than once. */
export function repeatedResources<R extends ConfigResource>(resources: readonly R[]): ReadonlySet<R> {
  return repeatedOf(resources, ({ resourceType, resourceName }) => `${resourceType}:${resourceName}`)
}

/** Changes what a topic sets itself, after checking all that it would set. */
export async function alterTopic(
  state: BrokerState,
  { resourceType, resourceName }: ConfigResource,
  change: (current: TopicOverrides) => TopicOverrides,
  options: { readonly validateOnly: boolean; readonly isRepeated: boolean },
): Promise<AlterResponse> {
  try {
    if (options.isRepeated) throw new TopicError(errorCodes.INVALID_REQUEST, 'Each resource must appear at most once.')
    if (resourceType !== resourceTypes.topic) {
      throw new TopicError(
        errorCodes.INVALID_REQUEST,
        `Configs of resources of type ${resourceType} cannot be changed while the broker runs.`,
      )
    }
    const topic = state.topics.get(resourceName)
    if (topic === undefined)
      throw new TopicError(errorCodes.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${resourceName}'.`)
    const checked = (current: TopicOverrides): TopicOverrides => checkedOverrides(change(current))
    if (options.validateOnly) checked(topic.configs)
    else await state.topics.setConfigs(resourceName, checked)
    return { errorCode: errorCodes.NONE, errorMessage: null, resourceType, resourceName }
  } catch (error) {
    if (!(error instanceof TopicError) && !(error instanceof LogError)) throw error
    return { errorCode: error.errorCode, errorMessage: error.message, resourceType, resourceName }
  }
}

function checkedOverrides(overrides: TopicOverrides): TopicOverrides {
  for (const [name, value] of Object.entries(overrides)) {
    const fault = topicConfigFault(name, value)
    if (fault !== null) throw new TopicError(errorCodes.INVALID_CONFIG, fault)
  }
  return overrides
}
