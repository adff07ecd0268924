/** The parts of object names in Confluent's layout. */
export interface KeyLayout {
  readonly topicsDir: string
  readonly directoryDelimiter: string
  readonly fileDelimiter: string
  readonly padWidth: number
  /** With its dot: `.json.gz`. */
  readonly extension: string
}

/** The name of an object: `topics/orders/partition=3/orders+3+0000012345.json.gz`. The topic's name is not escaped. */
export function objectKey(layout: KeyLayout, topic: string, partition: number, startOffset: number): string {
  const { directoryDelimiter: slash, fileDelimiter: plus } = layout
  const offset = String(startOffset).padStart(layout.padWidth, '0')
  const directory = layout.topicsDir === '' ? '' : layout.topicsDir + slash
  return `${directory}${topic}${slash}partition=${partition}${slash}${topic}${plus}${partition}${plus}${offset}${layout.extension}`
}
