import { DataError } from 'penstock/api'

/** The parts of object names in Confluent's layout. */
export interface KeyLayout {
  readonly topicsDir: string
  readonly directoryDelimiter: string
  readonly fileDelimiter: string
  readonly padWidth: number
  /**
   * The objects are of dead letters that are delivered again: `orders+3+0000012345+replay-3f9a….json.gz`. So none has the name of another
   * object that begins at the same offset, or of one of another replay.
   */
  readonly replayId?: string
  /** The bytes that a part of a directory may have, between two `/`; null: as many as the name. */
  readonly maxPartBytes: number | null
}

/** Where an object is. */
export interface ObjectPlace {
  readonly topic: string
  readonly partition: number
  /** The directory below that of the topic: `partition=3`, or that of another partitioner. */
  readonly path: string
  /** With its dot: `.json.gz`. */
  readonly extension: string
}

/** The name of an object: `topics/orders/partition=3/orders+3+0000012345.json.gz`. The topic's name is not escaped. */
export function objectKey(layout: KeyLayout, place: ObjectPlace, startOffset: number): string {
  const offset = String(startOffset).padStart(layout.padWidth, '0')
  const { replayId, fileDelimiter } = layout
  const replay = replayId === undefined ? '' : `${fileDelimiter}replay-${replayId}`
  return `${partitionPrefix(layout, place)}${offset}${replay}${place.extension}`
}

/** The beginning of the names of all objects of a partition in a directory. */
export function partitionPrefix(layout: KeyLayout, { topic, partition, path }: Omit<ObjectPlace, 'extension'>): string {
  const { directoryDelimiter: slash, fileDelimiter: plus } = layout
  return `${topicPrefix(layout, topic)}${path}${slash}${topic}${plus}${partition}${plus}`
}

/** The beginning of the names of all objects of a topic. */
export function topicPrefix({ topicsDir, directoryDelimiter: slash }: KeyLayout, topic: string): string {
  return `${topicsDir === '' ? '' : topicsDir + slash}${topic}${slash}`
}

/** Whether a name is that of an object of the partition, in whatever directory. */
export function isKeyOf(
  layout: KeyLayout,
  { topic, partition }: Pick<ObjectPlace, 'topic' | 'partition'>,
  key: string,
): boolean {
  const { directoryDelimiter: slash, fileDelimiter: plus } = layout
  const at = key.lastIndexOf(`${slash}${topic}${plus}${partition}${plus}`)
  return key.startsWith(topicPrefix(layout, topic)) && at >= 0
}

const maxKeyBytes = 1024
// eslint-disable-next-line no-control-regex -- the XML of no store lists names with these
const unsafe = /[\u0000-\u001f\u007f\ufffe\uffff]/

/**
 * Checks a directory that a value of a record has made.
 * @throws DataError if stores refuse the name of an object in it, or would take two of them for one
 */
export function checkPath(layout: KeyLayout, place: ObjectPlace, offset: number): void {
  const why = whyImpossible(layout, place.path, objectKey(layout, place, offset))
  if (why === null) return
  throw new DataError(`the directory ${JSON.stringify(place.path.slice(0, 200))} is not possible: ${why}`, {
    code: 'S3_DIRECTORY',
  })
}

function whyImpossible({ maxPartBytes }: KeyLayout, path: string, key: string): string | null {
  const bytes = Buffer.byteLength(key)
  if (bytes > maxKeyBytes) return `the name of its object would have ${bytes} bytes, and stores allow ${maxKeyBytes}`
  if (!path.isWellFormed() || unsafe.test(path)) return 'it has characters that no name of an object may have'
  if (path.split('/').some((part) => part === '.' || part === '..' || part === ''))
    return 'it has an empty part, "." or ".."'
  const longest = Math.max(...path.split('/').map((part) => Buffer.byteLength(part)))
  if (maxPartBytes === null || longest <= maxPartBytes) return null
  return `a part of it has ${longest} bytes, and stores that keep objects in files allow ${maxPartBytes}`
}
