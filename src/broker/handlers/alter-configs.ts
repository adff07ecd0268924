import { alterConfigs } from '../../protocol/messages/alter-configs.ts'
import { alterTopic, repeatedResources, type AlterResponse } from '../settings/alter-topic-configs.ts'
import type { BrokerState } from '../broker-state.ts'
import { register } from '../requests/register.ts'
import type { TopicOverrides } from '../settings/topic-configs.ts'

/* AlterConfigs (33), versions 0 to 2: replaces all configs of a topic. Configs that are not listed return to their defaults. */

/** Serves AlterConfigs. */
export const alterConfigsRegistration = register(
  alterConfigs,
  (state: BrokerState) =>
    async ({ resources, validateOnly }) => {
      const repeated = repeatedResources(resources)
      const responses: AlterResponse[] = []
      for (const resource of resources) {
        const change = (): TopicOverrides =>
          Object.fromEntries(
            resource.configs.flatMap(({ name, value }) => (value === null ? [] : [[name, value.trim()]])),
          )
        responses.push(await alterTopic(state, resource, change, { validateOnly, isRepeated: repeated.has(resource) }))
      }
      return { responses }
    },
)
