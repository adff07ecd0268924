import type { Cluster } from './cluster.ts'

/** Returns the id that the topic has in the metadata, if it is not the one it `was`; null if it is, or either is unknown. */
export function otherTopicId({ metadata }: Cluster, topic: string, was: string | null): string | null {
  const is = metadata.topics.get(topic)?.id ?? null
  return was === null || is === was ? null : is
}
