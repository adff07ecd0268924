/** An index name, or why there is none. */
export interface IndexName {
  readonly name: string
  readonly problem: string | null
}

const maxBytes = 255

/**
 * Returns the index of a topic by Confluent's rule: lower case, at most 255 characters, one leading `-` or `_` dropped,
 * `.` and `..` spelled out. Names that Elasticsearch would still reject are reported here, before anything is sent.
 */
export function indexName(topic: string): IndexName {
  let name = topic.toLowerCase().slice(0, maxBytes)
  if (name.startsWith('-') || name.startsWith('_')) name = name.slice(1)
  if (name === '.') name = 'dot'
  if (name === '..') name = 'dotdot'
  return { name, problem: problemOf(name) }
}

function problemOf(name: string): string | null {
  if (name === '') return 'it is empty'
  if (/^[-_+]/.test(name)) return `'${name}' begins with '${name.slice(0, 1)}'`
  const illegal = /[\\/*?"<>| ,#:]/.exec(name)
  if (illegal !== null) return `'${name}' holds '${illegal[0]}'`
  return Buffer.byteLength(name) > maxBytes ? `'${name}' is longer than ${maxBytes} bytes` : null
}
