import { ConnectError } from 'penstock/api'
import type { SinkSettings } from '../config/settings.ts'
import { indexName } from './index-name.ts'
import { clashError } from './indices.ts'
import { streamName } from './stream-name.ts'

type Settings = Pick<SinkSettings, 'externalResources' | 'dataStream'>

/** The index or data stream of each topic. */
export class TopicIndices {
  readonly #settings: Settings
  readonly #known = new Map<string, string>()

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** @throws ConnectError when there is none, its name is illegal, or it is another topic's. */
  of(topic: string): string {
    const known = this.#known.get(topic)
    if (known !== undefined) return known
    const { externalResources, dataStream } = this.#settings
    // Topics may share a data stream: nothing in it is replaced.
    if (dataStream !== null) return this.#noted(topic, streamName(dataStream, topic))
    const index = externalResources === null ? ownIndex(topic, this.#known) : externalResources.get(topic)
    if (index === undefined)
      throw new ConnectError(`topic '${topic}' is not in topic.to.external.resource.mapping`, { code: 'ES_INDEX_NAME' })
    return this.#noted(topic, index)
  }

  #noted(topic: string, index: string): string {
    this.#known.set(topic, index)
    return index
  }
}

/** The index named after a topic. @throws ConnectError when the name is illegal or another topic's already. */
function ownIndex(topic: string, taken: ReadonlyMap<string, string>): string {
  const { name, problem } = indexName(topic)
  if (problem !== null)
    throw new ConnectError(
      `topic '${topic}' has no legal index name: ${problem}. Rename it with a RegexRouter transform`,
      { code: 'ES_INDEX_NAME' },
    )
  for (const [other, index] of taken) {
    if (index === name) throw clashError(name, other, topic)
  }
  return name
}
