/** The parts of the names of data streams: see `data.stream.*`. */
export interface StreamParts {
  readonly type: string
  readonly dataset: string
  /** May contain `${topic}`. */
  readonly namespace: string
}

const maxNamespace = 100

/** Returns the data stream of a topic by Confluent's rule: `type-dataset-namespace`. */
export function streamName({ type, dataset, namespace }: StreamParts, topic: string): string {
  return `${type}-${dataset}-${namespace.replaceAll('${topic}', topic.toLowerCase()).slice(0, maxNamespace)}`
}
