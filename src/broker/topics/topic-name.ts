const maxLength = 249

/** The topic of committed offsets and groups. */
export const offsetsTopicName = '__consumer_offsets'

/** Topics of the broker itself: clients read them, only the broker writes them. */
const internalTopics: ReadonlySet<string> = new Set([offsetsTopicName, '__transaction_state'])

/** Returns whether the topic is internal to the broker. */
export function isInternalTopic(name: string): boolean {
  return internalTopics.has(name)
}

/** Returns why a topic name is invalid; null when it is valid. The texts are Kafka's. */
export function topicNameFault(name: string): string | null {
  if (name === '') return 'Topic name is invalid: the empty string is not allowed'
  if (name === '.' || name === '..') return `Topic name is invalid: '.' or '..' is not allowed`
  if (name.length > maxLength)
    return `Topic name is invalid: the length of '${name}' is longer than the max allowed length ${maxLength}`
  if (/^[a-zA-Z0-9._-]+$/.test(name)) return null
  return `Topic name is invalid: '${name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'`
}

/** Returns a key that is equal for names that differ only in dots and underscores. */
export function collisionKey(name: string): string {
  return name.replaceAll('.', '_')
}
