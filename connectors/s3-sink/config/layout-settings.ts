import type { ParsedConfig } from 'penstock/api'

import type { S3Key } from './config.ts'
import { extractors, partitioners } from './partitioner-options.ts'
import type { LayoutSettings, PathSettings } from '../layout/partitioner.ts'
import type { TimeSource } from '../layout/record-time.ts'

const hourMs = 3_600_000

/** Whether directories are of times. */
export function isTimeBased(config: ParsedConfig): boolean {
  const name = String(config['partitioner.class'] ?? '')
  return name !== partitioners.partition && name !== partitioners.fields
}

/** Returns in which directory the object of a record is. */
export function layoutSettings(config: ParsedConfig): LayoutSettings {
  const affix = String(config['s3.schema.partition.affix.type'] ?? '').toUpperCase()
  return {
    path: pathSettings(config),
    time: timeSource(config),
    affix: affix === 'PREFIX' || affix === 'SUFFIX' ? affix : 'NONE',
    directoryDelimiter: String(config['directory.delim'] ?? ''),
  }
}

function pathSettings(config: ParsedConfig): PathSettings {
  const text = (key: S3Key): string => String(config[key] ?? '')
  const name = text('partitioner.class')
  if (name === partitioners.partition) return { kind: 'partition' }
  if (name === partitioners.fields)
    return { kind: 'fields', fields: (config['partition.field.name'] as string[]) ?? [] }
  const delimiter = text('directory.delim')
  const zone = { locale: text('locale').trim(), timeZone: text('timezone').trim() }
  const ofDay = ["'year'=YYYY", "'month'=MM", "'day'=dd"]
  if (name === partitioners.day)
    return { kind: 'time', durationMs: 24 * hourMs, pattern: ofDay.join(delimiter), ...zone }
  if (name === partitioners.hour)
    return { kind: 'time', durationMs: hourMs, pattern: [...ofDay, "'hour'=HH"].join(delimiter), ...zone }
  const pattern = text('path.format')
  return {
    kind: 'time',
    durationMs: Number(config['partition.duration.ms']),
    pattern: delimiter !== '' && pattern.endsWith(delimiter) ? pattern.slice(0, -delimiter.length) : pattern,
    ...zone,
  }
}

/** Where nothing depends on the times of records, none is looked for. */
function timeSource(config: ParsedConfig): TimeSource {
  const name = String(config['timestamp.extractor'] ?? '')
  const isUsed = isTimeBased(config) || Number(config['rotate.interval.ms']) > 0
  if (isUsed && (extractors.record as readonly string[]).includes(name)) return { kind: 'record' }
  if (isUsed && (extractors.field as readonly string[]).includes(name))
    return { kind: 'field', name: String(config['timestamp.field'] ?? '') }
  return { kind: 'wallclock' }
}
