import { ConnectError, DataError, type SinkRecord } from 'penstock/api'
import type { SinkSettings } from '../config/settings.ts'
import type { RecordTemplate } from '../document/record-template.ts'
import { indexName } from './index-name.ts'
import { clashError } from './indices.ts'
import { streamName } from './stream-name.ts'

type Settings = Pick<SinkSettings, 'externalResources' | 'dataStream' | 'indexName'>

/** The index or data stream of each record. */
export class TopicIndices {
  readonly #settings: Settings
  readonly #known = new Map<string, string>()

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /**
   * @param document the JSON of the document; null for a deletion.
   * @throws ConnectError when the topic has no index, its name is illegal, or it is another topic's; DataError when a template makes no name
   */
  of(record: SinkRecord, document: string | null): string {
    const { indexName: template } = this.#settings
    return template === null ? this.ofTopic(record.topic) : nameBy(template, record, document)
  }

  /** The index of all records of a topic, where no template names indices. @throws ConnectError as {@link of} */
  ofTopic(topic: string): string {
    const { externalResources, dataStream } = this.#settings
    const known = this.#known.get(topic)
    if (known !== undefined) return known
    // Topics may share a data stream: nothing in it is replaced.
    if (dataStream !== null) return this.#noted(topic, streamName(dataStream, topic))
    const index = externalResources === null ? ownIndex(topic, this.#known) : externalResources.get(topic)
    if (index === undefined)
      throw new ConnectError(`topic '${topic}' is not in topic.to.external.resource.mapping`, { code: 'ES_INDEX_NAME' })
    return this.#noted(topic, index)
  }

  /** The topic that an index is for; null where several topics share it. */
  ownerOf(topic: string): string | null {
    const { indexName: template } = this.#settings
    return template === null || template.uses.has('topic') ? topic : null
  }

  #noted(topic: string, index: string): string {
    this.#known.set(topic, index)
    return index
  }
}

function nameBy(template: RecordTemplate, record: SinkRecord, document: string | null): string {
  const { name, problem } = indexName(template.render(record, document))
  if (problem === null) return name
  throw new DataError(`index.name '${template.text}' makes no legal index name: ${problem}`, { code: 'ES_INDEX_NAME' })
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
