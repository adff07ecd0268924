import { ConnectError } from 'penstock/api'
import { indexName } from './index-name.ts'
import { clashError } from './indices.ts'

/** The index of each topic. */
export class TopicIndices {
  /** Existing resource by topic; null when indices are named after topics. */
  readonly #external: ReadonlyMap<string, string> | null
  readonly #known = new Map<string, string>()

  constructor(external: ReadonlyMap<string, string> | null) {
    this.#external = external
  }

  /** @throws ConnectError when there is none, its name is illegal, or it is another topic's. */
  of(topic: string): string {
    const known = this.#known.get(topic)
    if (known !== undefined) return known
    const index = this.#external === null ? ownIndex(topic, this.#known) : this.#external.get(topic)
    if (index === undefined)
      throw new ConnectError(`topic '${topic}' is not in topic.to.external.resource.mapping`, { code: 'ES_INDEX_NAME' })
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
