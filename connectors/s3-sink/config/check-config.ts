import type { ConfigProblem, ParsedConfig } from 'penstock/api'

import { storeProblems } from '../../s3-store/config/store-problems.ts'
import type { S3Key } from './config.ts'
import { formats } from './format-options.ts'
import { isTimeBased } from './layout-settings.ts'
import { extractors, partitioners } from './partitioner-options.ts'

/** Formats that compress parts of their objects. */
const packedParts: Readonly<Record<string, string>> = {
  [formats.avro]: 'The blocks of Avro objects are compressed instead: set avro.codec',
  [formats.parquet]: 'The pages of Parquet objects are compressed instead: set parquet.codec',
}

/** The problems between settings that are valid one by one. */
export function crossFieldProblems(config: ParsedConfig): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [...storeProblems(config)]
  const complain = (keys: readonly S3Key[], message: string): void => {
    for (const key of keys) problems.push({ key, message })
  }
  const given = (key: S3Key): boolean => String(config[key] ?? '').trim() !== ''
  const packed = packedParts[String(config['format.class'])]
  if (packed !== undefined && String(config['s3.compression.type']).toLowerCase() !== 'none') {
    complain(['s3.compression.type', 'format.class'], `${packed}, and s3.compression.type to none.`)
  }
  if (String(config['behavior.on.null.values']).toLowerCase() === 'write') {
    if (config['store.kafka.keys'] !== true)
      complain(
        ['behavior.on.null.values', 'store.kafka.keys'],
        'behavior.on.null.values=write needs store.kafka.keys=true.',
      )
    if (!given('tombstone.encoded.partition'))
      complain(['tombstone.encoded.partition'], 'behavior.on.null.values=write needs the name of a directory.')
  }
  if (given('s3.sse.customer.key') && config['s3.ssea.name'] !== 'AES256') {
    complain(['s3.sse.customer.key', 's3.ssea.name'], 's3.sse.customer.key needs s3.ssea.name=AES256.')
  }
  if (config['s3.ssea.name'] === 'aws:kms:dsse') {
    complain(['s3.ssea.name'], 'aws:kms:dsse is not supported: use aws:kms.')
  }
  if (Number(config['s3.buffer.bytes']) < Number(config['s3.part.size'])) {
    complain(['s3.buffer.bytes', 's3.part.size'], 's3.buffer.bytes must be at least s3.part.size.')
  }
  const path = pathProblem(config)
  if (path !== null) complain(...path)
  return problems
}

/** What a partitioner needs and does not have. */
function pathProblem(config: ParsedConfig): readonly [keys: readonly S3Key[], message: string] | null {
  const text = (key: S3Key): string => String(config[key] ?? '').trim()
  const name = text('partitioner.class')
  const fields = config['partition.field.name']
  if (name === partitioners.fields && (!Array.isArray(fields) || fields.length === 0))
    return [['partition.field.name'], 'FieldPartitioner needs the names of fields.']
  if (!isTimeBased(config)) return null
  if (text('timezone') === '') return [['timezone'], 'Directories by time need a time zone, such as UTC.']
  const isByField = (extractors.field as readonly string[]).includes(text('timestamp.extractor'))
  if (isByField && text('timestamp.field') === '')
    return [['timestamp.field'], 'RecordField needs the name of a field.']
  if (name !== partitioners.time) return null
  if (!(Number(config['partition.duration.ms']) > 0))
    return [['partition.duration.ms'], 'TimeBasedPartitioner needs the length of its intervals.']
  return text('path.format') === '' || text('path.format') === text('directory.delim')
    ? [['path.format'], "TimeBasedPartitioner needs a pattern, such as 'year'=YYYY/'month'=MM/'day'=dd."]
    : null
}
