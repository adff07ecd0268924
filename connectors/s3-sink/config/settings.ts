import type { ParsedConfig, RawConfig } from 'penstock/api'

import type { S3Key } from './config.ts'
import { avroDataKeys, formats } from './format-options.ts'
import { isTimeBased, layoutSettings } from './layout-settings.ts'
import { tagOf } from './tag-options.ts'
import type { AvroCodec } from '../../s3-store/avro/block-codec.ts'
import type { FormatSettings } from '../format/open-format.ts'
import type { PageCodecName } from '../format/parquet/file/page-codec.ts'
import type { KeyLayout } from '../../s3-store/object/object-key.ts'
import type { TagSettings } from '../object/object-tagger.ts'
import type { RotationRules } from '../partition/rotation.ts'
import type { LayoutSettings } from '../layout/partitioner.ts'
import { storeSettings, type StoreSettings } from '../../s3-store/config/store-settings.ts'
import type { Compatibility } from '../schema/schema-rule.ts'
import type { KindSettings } from '../view/open-kinds.ts'
import { nextScheduled } from '../partition/schedule.ts'

/** The settings of a task. */
export interface S3SinkSettings {
  readonly store: StoreSettings
  readonly kinds: KindSettings
  readonly layout: KeyLayout
  readonly rotation: RotationRules
  readonly partitioner: LayoutSettings
  readonly rotateOnRevoke: boolean
  readonly ignoreNullValues: boolean
  /** The directory of records without a value; null: they are not written. */
  readonly tombstonePath: string | null
  /** Whether those that are ignored are dead letters. */
  readonly reportNullValues: boolean
  readonly compatibility: Compatibility
  readonly partBytes: number
  readonly bufferBytes: number
  readonly conditionalWrites: boolean
  /** Null: objects have no tags. */
  readonly tags: TagSettings | null
  /** Whether objects that end together get a manifest. */
  readonly manifests: boolean
  readonly shutdownTimeoutMs: number
}

/** The settings of a config that has been validated. @param raw has white space that counts. */
export function settingsOf(config: ParsedConfig, raw: RawConfig): S3SinkSettings {
  const text = (key: S3Key): string => String(config[key] ?? '')
  const number = (key: S3Key): number => Number(config[key])
  const positive = (key: S3Key): number | null => (number(key) > 0 ? number(key) : null)
  const schedule = positive('rotate.schedule.interval.ms')
  return {
    store: storeSettings(config),
    kinds: kindSettings(config, raw),
    layout: {
      topicsDir: text('topics.dir'),
      directoryDelimiter: text('directory.delim'),
      fileDelimiter: text('file.delim'),
      padWidth: number('filename.offset.zero.pad.width'),
      // Amazon S3 has no files. Others have, and refuse longer names only when the object is put.
      maxPartBytes: text('store.url') === '' ? null : 255,
    },
    rotation: {
      maxRecords: Math.max(1, number('flush.size')),
      maxBytes: positive('rotate.size.bytes'),
      intervalMs: positive('rotate.interval.ms'),
      onPathChange:
        isTimeBased(config) && number('rotate.interval.ms') > 0 && config['rotate.file.on.partition.change'] !== false,
      maxObjects: positive('partitioner.max.open.files'),
      nextScheduled: schedule === null ? null : (nowMs) => nextScheduled(nowMs, schedule, text('timezone')),
    },
    partitioner: layoutSettings(config),
    rotateOnRevoke: config['rotate.on.revoke'] === true,
    tombstonePath:
      text('behavior.on.null.values').toLowerCase() === 'write' ? text('tombstone.encoded.partition') : null,
    ignoreNullValues: text('behavior.on.null.values').toLowerCase() === 'ignore',
    reportNullValues: config['report.null.values.to.dlq'] !== false && mayReportIgnored(raw),
    compatibility: compatibilityOf(text('schema.compatibility')),
    partBytes: number('s3.part.size'),
    bufferBytes: number('s3.buffer.bytes'),
    manifests: config['archive.manifest'] === true,
    conditionalWrites: config['enable.conditional.writes'] !== false,
    tags: config['s3.object.tagging'] === true ? tagSettings(config) : null,
    shutdownTimeoutMs: number('shutdown.timeout.ms'),
  }
}

/**
 * A report fails the task unless errors are tolerated, and parks the key of the record if keys are parked. Deletions are no errors where
 * the config does not say so: to ignore them is the default here, and not that of Confluent's sink.
 */
function mayReportIgnored(raw: RawConfig): boolean {
  const given = (key: string): string | undefined => raw[key]?.trim().toLowerCase()
  const isChosen = given('behavior.on.null.values') === 'ignore'
  return isChosen && given('errors.tolerance') === 'all' && given('errors.deadletterqueue.park.keys') !== 'true'
}

function tagSettings(config: ParsedConfig): TagSettings {
  const pairs = config['s3.object.tagging.key.value.pairs']
  return {
    pairs: (Array.isArray(pairs) ? pairs : []).flatMap((pair) => {
      const tag = tagOf(String(pair))
      return tag === null ? [] : [tag]
    }),
    failsOnError: String(config['s3.object.behavior.on.tagging.error']).toLowerCase() === 'fail',
  }
}

function kindSettings(config: ParsedConfig, raw: RawConfig): KindSettings {
  const text = (key: S3Key): string => String(config[key] ?? '')
  const packing = text('s3.compression.type').toLowerCase()
  return {
    values: formatSettings(text('format.class'), 'value', config, raw),
    keys: config['store.kafka.keys'] === true ? formatSettings(text('keys.format.class'), 'key', config, raw) : null,
    headers:
      config['store.kafka.headers'] === true
        ? formatSettings(text('headers.format.class'), 'value', config, raw)
        : null,
    packing:
      packing === 'gzip' || packing === 'zstd'
        ? { kind: packing, level: Number(config['s3.compression.level']) }
        : null,
  }
}

function formatSettings(name: string, part: 'value' | 'key', config: ParsedConfig, raw: RawConfig): FormatSettings {
  const text = (key: S3Key): string => String(config[key] ?? '')
  switch (name) {
    case formats.avro:
      return {
        kind: 'avro',
        codec: avroCodecOf(text('avro.codec')),
        avroData: Object.fromEntries(avroDataKeys.map((key) => [key, config[key] ?? null])),
      }
    case formats.parquet:
      return {
        kind: 'parquet',
        codec: pageCodecOf(text('parquet.codec').toLowerCase()),
        // Other objects, and the parts that are uploaded, need memory too.
        rowGroupBytes: Math.min(Number(config['s3.part.size']), Math.floor(Number(config['s3.buffer.bytes']) / 4)),
      }
    case formats.bytes: {
      const separator: S3Key = 'format.bytearray.separator'
      return {
        kind: 'bytes',
        part,
        extension: text('format.bytearray.extension'),
        separator: Buffer.from(raw[separator] ?? '\n'),
      }
    }
    default:
      return {
        kind: 'json',
        decimalFormat: text('json.decimal.format').toUpperCase() === 'NUMERIC' ? 'NUMERIC' : 'BASE64',
      }
  }
}

function avroCodecOf(name: string): AvroCodec {
  return name === 'deflate' || name === 'snappy' || name === 'zstandard' ? name : 'null'
}

function pageCodecOf(name: string): PageCodecName {
  return name === 'none' || name === 'gzip' || name === 'zstd' ? name : 'snappy'
}

function compatibilityOf(name: string): Compatibility {
  return name === 'BACKWARD' || name === 'FORWARD' || name === 'FULL' ? name : 'NONE'
}
