import type { KeyLayout, ObjectPlace } from './object-key.ts'

/** What an object holds of its records. */
export type ObjectPart = 'value' | 'keys' | 'headers'

/** The directory of manifests below that of their topic. Readers of tables leave out names that begin so. */
export const manifestDirectory = '_manifest'

/** What the name of an object says. */
export interface ObjectName extends ObjectPlace {
  /** The offset that names it. */
  readonly start: number
  /** Or a manifest of objects. */
  readonly part: ObjectPart | 'manifest'
  /** Of the dead letters that were delivered again; null: the object is of no such. */
  readonly replayId: string | null
  /** With its dot, without that of the part: `.json.gz`. */
  readonly extension: string
}

type NameLayout = Pick<KeyLayout, 'topicsDir' | 'directoryDelimiter' | 'fileDelimiter'>

/** Reads the name that {@link objectKey} gave an object; null for another one. */
export function objectNameOf(layout: NameLayout, key: string): ObjectName | null {
  const { topicsDir, directoryDelimiter: slash, fileDelimiter: plus } = layout
  const root = topicsDir === '' ? '' : topicsDir + slash
  if (!key.startsWith(root)) return null
  const below = key.slice(root.length)
  const [topic = ''] = below.split(slash, 1)
  const at = topic === '' ? -1 : below.lastIndexOf(`${slash}${topic}${plus}`)
  if (at <= topic.length) return null
  const path = below.slice(topic.length + slash.length, at)
  const [partition = '', ...rest] = below.slice(at + slash.length + topic.length + plus.length).split(plus)
  const name = rest.join(plus)
  const [offset = '', replay = ''] = name.split(`${plus}replay-`)
  const replayId = /^[0-9a-f]{16}/.exec(replay)?.[0] ?? null
  const end = replayId === null ? name : offset + replay.slice(replayId.length)
  const [, start, part, extension = ''] = /^(\d+)(?:\.(keys|headers)(?=\.))?(\..*)?$/.exec(end) ?? []
  if (!/^\d+$/.test(partition) || start === undefined || !Number.isSafeInteger(Number(start))) return null
  const own = part === 'keys' || part === 'headers' ? part : 'value'
  const isManifest = path.startsWith(manifestDirectory + slash)
  return {
    topic,
    partition: Number(partition),
    path,
    start: Number(start),
    part: isManifest ? 'manifest' : own,
    replayId,
    extension,
  }
}
