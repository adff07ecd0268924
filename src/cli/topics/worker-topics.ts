import type { KafkaClient } from '../../client/kafka-client.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import type { Clock } from '../../foundation/clock.ts'
import { TopicBrowser } from '../../herder/topics/topic-browser.ts'
import type { TopicUser } from '../../herder/topics/topic-users.ts'
import type { WorkerHerder } from '../../herder/worker-herder.ts'
import type { PluginThreads } from '../../runtime/plugin-threads.ts'

export interface WorkerTopicsOptions {
  readonly config: WorkerConfig
  readonly client: KafkaClient
  readonly herder: WorkerHerder
  readonly plugins: Pick<PluginThreads, 'readRecords' | 'locateRecord'>
  readonly registry: { readonly registryUrl?: string }
  readonly clock: Clock
}

/** What the REST API shows of topics. */
export function workerTopics({ config, client, herder, plugins, registry, clock }: WorkerTopicsOptions): TopicBrowser {
  const { keyConverter, valueConverter, headerConverter, configTopic, offsetTopic, statusTopic } = config
  return new TopicBrowser({
    client,
    plugins,
    connectors: async () => await usersOf(herder, config.topicTracking),
    worker: { keyConverter, valueConverter, headerConverter, ...registry },
    groupTopics: [configTopic.name, offsetTopic.name, statusTopic.name],
    clock,
  })
}

async function usersOf(herder: WorkerHerder, isTracking: boolean): Promise<readonly TopicUser[]> {
  const names = await herder.connectors()
  return await Promise.all(
    names.map(async (name) => {
      const { config, type } = await herder.connectorInfo(name)
      return { name, config, type, activeTopics: isTracking ? await herder.activeTopics(name) : [] }
    }),
  )
}
