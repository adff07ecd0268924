import type { ParsedConfig, RawConfig } from 'penstock/api'

import { credentialProviders, type S3Key } from './config.ts'
import { avroDataKeys, formats } from './format-options.ts'
import { isTimeBased, layoutSettings } from './layout-settings.ts'
import type { AvroCodec } from '../format/avro/block-codec.ts'
import type { FormatSettings } from '../format/open-format.ts'
import type { PageCodecName } from '../format/parquet/file/page-codec.ts'
import type { KeyLayout } from '../object/object-key.ts'
import type { RotationRules } from '../partition/rotation.ts'
import type { LayoutSettings } from '../layout/partitioner.ts'
import type { Compatibility } from '../schema/schema-rule.ts'
import { nextScheduled } from '../partition/schedule.ts'

/** A checksum that the store verifies and stores. */
export type ChecksumAlgorithm = 'crc32' | 'crc32c' | 'sha256'

/** How to reach the store. */
export interface StoreSettings {
  readonly bucket: string
  readonly region: string
  /** Null: Amazon S3. */
  readonly storeUrl: string | null
  readonly pathStyle: boolean
  readonly accelerate: boolean
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly onlyEnvironment: boolean
  readonly requestTimeoutMs: number
  readonly quietAttempts: number
  readonly initialBackoffMs: number
  readonly maxBackoffMs: number
  readonly md5: boolean
  readonly checksum: ChecksumAlgorithm | null
  readonly encryption: Encryption | null
  readonly acl: string | null
}

/** How the store encrypts objects. */
export type Encryption =
  | { readonly kind: 'AES256' }
  | { readonly kind: 'kms'; readonly keyId: string | null }
  | { readonly kind: 'customer'; readonly key: Buffer }

/** The settings of a task. */
export interface S3SinkSettings {
  readonly store: StoreSettings
  readonly format: FormatSettings
  /** Without the extension, which depends on the format. */
  readonly layout: Omit<KeyLayout, 'extension'>
  readonly rotation: RotationRules
  readonly partitioner: LayoutSettings
  readonly rotateOnRevoke: boolean
  readonly ignoreNullValues: boolean
  /** Whether those that are ignored are dead letters. */
  readonly reportNullValues: boolean
  readonly compatibility: Compatibility
  /** For formats that may be compressed as a whole; null: none. */
  readonly gzipLevel: number | null
  readonly partBytes: number
  readonly bufferBytes: number
  readonly conditionalWrites: boolean
  readonly shutdownTimeoutMs: number
}

/** The settings of a config that has been validated. @param raw has white space that counts. */
export function settingsOf(config: ParsedConfig, raw: RawConfig): S3SinkSettings {
  const text = (key: S3Key): string => String(config[key] ?? '')
  const number = (key: S3Key): number => Number(config[key])
  const positive = (key: S3Key): number | null => (number(key) > 0 ? number(key) : null)
  const gzip = text('s3.compression.type').toLowerCase() === 'gzip'
  const schedule = positive('rotate.schedule.interval.ms')
  return {
    store: storeSettings(config),
    format: formatSettings(config, raw),
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
    ignoreNullValues: text('behavior.on.null.values').toLowerCase() === 'ignore',
    reportNullValues: config['report.null.values.to.dlq'] !== false && mayReportIgnored(raw),
    compatibility: compatibilityOf(text('schema.compatibility')),
    gzipLevel: gzip ? number('s3.compression.level') : null,
    partBytes: number('s3.part.size'),
    bufferBytes: number('s3.buffer.bytes'),
    conditionalWrites: config['enable.conditional.writes'] !== false,
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

function formatSettings(config: ParsedConfig, raw: RawConfig): FormatSettings {
  const text = (key: S3Key): string => String(config[key] ?? '')
  switch (text('format.class')) {
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

/** The part of the settings that a connection to the store needs. */
export function storeSettings(config: ParsedConfig): StoreSettings {
  const text = (key: S3Key): string => String(config[key] ?? '').trim()
  const number = (key: S3Key): number => Number(config[key])
  const checksum = text('s3.checksum.algorithm').toLowerCase()
  return {
    bucket: text('s3.bucket.name'),
    // The SDK needs one; stores other than Amazon's take any.
    region: text('s3.region') === '' ? 'us-east-1' : text('s3.region'),
    storeUrl: text('store.url') === '' ? null : text('store.url'),
    pathStyle: config['s3.path.style.access.enabled'] !== false && config['s3.wan.mode'] !== true,
    accelerate: config['s3.wan.mode'] === true,
    accessKeyId: text('aws.access.key.id'),
    secretAccessKey: text('aws.secret.access.key'),
    onlyEnvironment: isOneOf(credentialProviders.environment, text('s3.credentials.provider.class')),
    requestTimeoutMs: number('s3.request.timeout.ms'),
    quietAttempts: number('s3.part.retries'),
    initialBackoffMs: number('s3.retry.backoff.ms'),
    maxBackoffMs: Math.max(number('s3.retry.backoff.ms'), number('retry.backoff.ms')),
    md5: config['s3.send.digest'] === true,
    checksum: checksum === 'crc32' || checksum === 'crc32c' || checksum === 'sha256' ? checksum : null,
    encryption: encryptionOf(text('s3.ssea.name'), text('s3.sse.kms.key.id'), text('s3.sse.customer.key')),
    acl: text('s3.acl.canned') === '' ? null : text('s3.acl.canned'),
  }
}

function encryptionOf(name: string, kmsKeyId: string, customerKey: string): Encryption | null {
  if (name === 'AES256') {
    return customerKey === '' ? { kind: 'AES256' } : { kind: 'customer', key: Buffer.from(customerKey, 'base64') }
  }
  return name === 'aws:kms' || name === 'aws:kms:dsse'
    ? { kind: 'kms', keyId: kmsKeyId === '' ? null : kmsKeyId }
    : null
}

function compatibilityOf(name: string): Compatibility {
  return name === 'BACKWARD' || name === 'FORWARD' || name === 'FULL' ? name : 'NONE'
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name)
}
