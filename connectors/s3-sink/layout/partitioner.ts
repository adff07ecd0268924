import type { SinkRecord } from 'penstock/api'

import { fieldPath } from './field-path.ts'
import { recordTime, type TimeSource } from './record-time.ts'
import { timePath } from './time-path.ts'

/** Decides in which directory the object of a record is. */
export interface Partitioner {
  /** The time of a record in ms of the epoch, by `timestamp.extractor`. @throws DataError when the record has none */
  timeOf(record: SinkRecord, nowMs: number): number
  /** The directory below that of the topic: Confluent's encoded partition. @throws DataError when the record has none */
  pathOf(record: SinkRecord, timeMs: number): string
}

/** Which directories there are. */
export type PathSettings =
  | { readonly kind: 'partition' }
  | { readonly kind: 'fields'; readonly fields: readonly string[] }
  | {
      readonly kind: 'time'
      readonly durationMs: number
      /** Of Joda's DateTimeFormat. */
      readonly pattern: string
      readonly locale: string
      readonly timeZone: string
    }

export interface LayoutSettings {
  readonly path: PathSettings
  readonly time: TimeSource
  /** Whether, and where, a path has the name of the schema of values. */
  readonly affix: 'NONE' | 'PREFIX' | 'SUFFIX'
  readonly directoryDelimiter: string
}

/** The directory of an object that holds all records of a Kafka partition. */
export const partitionPath = (partition: number): string => `partition=${partition}`

/** Whether the records of a partition are in one directory, whatever they are: their objects then follow each other. */
export function isSinglePath({ path, affix }: LayoutSettings): boolean {
  return path.kind === 'partition' && affix === 'NONE'
}

/**
 * Whether a record that is read again has the path that it had: after a crash it then replaces the object that it is in, instead of
 * being in two.
 */
export function hasStablePaths({ path, time }: LayoutSettings): boolean {
  return path.kind !== 'time' || time.kind !== 'wallclock'
}

/** Returns the partitioner of these settings. */
export function partitionerOf(settings: LayoutSettings): Partitioner {
  const { path, time, affix, directoryDelimiter: delimiter } = settings
  const timeOf = recordTime(time, path.kind === 'time')
  const pathOf = pathFunction(path, delimiter)
  if (affix === 'NONE') return { timeOf, pathOf }
  return {
    timeOf,
    pathOf: (record, timeMs) => {
      const parts = [`schema_name=${record.valueSchema?.name ?? 'null'}`, pathOf(record, timeMs)]
      return (affix === 'PREFIX' ? parts : parts.toReversed()).join(delimiter)
    },
  }
}

function pathFunction(path: PathSettings, delimiter: string): Partitioner['pathOf'] {
  if (path.kind === 'fields') return fieldPath(path.fields, delimiter)
  if (path.kind === 'time') {
    const ofTime = timePath(path)
    return (_record, timeMs) => ofTime(timeMs)
  }
  const paths: string[] = []
  return ({ originalPartition: partition }) => (paths[partition] ??= partitionPath(partition))
}
