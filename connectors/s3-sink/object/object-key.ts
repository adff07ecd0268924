/** How object names are made: Confluent's layout. */
export interface KeyLayout {
  readonly topicsDir: string
  readonly directoryDelimiter: string
  readonly fileDelimiter: string
  readonly padWidth: number
  /** With its dot: `.json.gz`. */
  readonly extension: string
}

/** `topics/orders/partition=3/orders+3+0000012345.json.gz`. The topic stands in it as it is. */
export function objectKey(layout: KeyLayout, topic: string, partition: number, startOffset: number): string {
  const { directoryDelimiter: slash, fileDelimiter: plus } = layout
  const offset = String(startOffset).padStart(layout.padWidth, '0')
  const folder = layout.topicsDir === '' ? '' : layout.topicsDir + slash
  return `${folder}${topic}${slash}partition=${partition}${slash}${topic}${plus}${partition}${plus}${offset}${layout.extension}`
}
