import { join } from 'node:path'

/** The sources; each reads a file of its own into a topic of its own. */
export const sources = ['s0', 's1', 's2'] as const
/** The sinks; each writes the topics of all sources into a file of its own. */
export const sinks = ['k0', 'k1'] as const
export const connectorNames: readonly string[] = [...sources, ...sinks]

/** A setting that no plugin knows. Each request that writes a config gives it a value of its own. */
export const tagKey = 'chaos.tag'

export const isSource = (name: string): boolean => name.startsWith('s')
export const topicOf = (source: string): string => `lines-${source}`
export const inputOf = (directory: string, source: string): string => join(directory, `${source}.in`)
export const outputOf = (directory: string, sink: string): string => join(directory, `${sink}.out`)

/** @param tasks of a sink */
export function configOf(
  directory: string,
  name: string,
  { tag, tasks }: { readonly tag: number; readonly tasks: number },
): Record<string, string> {
  const common = { name, [tagKey]: String(tag) }
  if (isSource(name)) {
    const file = inputOf(directory, name)
    return { ...common, 'connector.class': 'FileStreamSource', 'tasks.max': '1', file, topic: topicOf(name) }
  }
  const topics = sources.map(topicOf).join(',')
  return {
    ...common,
    'connector.class': 'FileStreamSink',
    'tasks.max': String(tasks),
    topics,
    file: outputOf(directory, name),
  }
}

/** Bytes of a line with its end. */
export const lineBytes = 12
const line = /^(s\d):(\d{7});$/

export function lineOf(source: string, number: number): string {
  return `${source}:${String(number).padStart(7, '0')};`
}

/** The source and the number of a line; null when it is none, such as the beginning of one. */
export function numberedLine(text: string): { readonly source: string; readonly number: number } | null {
  const [, source, number] = line.exec(text) ?? []
  return source === undefined ? null : { source, number: Number(number) }
}
