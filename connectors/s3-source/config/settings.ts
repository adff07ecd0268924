import { present, type ParsedConfig, type RawConfig } from 'penstock/api'

import { storeSettings, type StoreSettings } from '../../s3-store/config/store-settings.ts'
import { avroDataKeys, formats, type S3SourceKey } from './config.ts'
import type { FormatName, FormatSettings } from '../format/open-format.ts'

/** The settings of a task. */
export interface S3SourceSettings {
  readonly store: StoreSettings
  readonly layout: { readonly topicsDir: string; readonly directoryDelimiter: string; readonly fileDelimiter: string }
  readonly format: FormatName
  readonly formats: FormatSettings
  /** The first that matches decides. Empty: all objects are read into their topics. */
  readonly topics: readonly { readonly topic: string; readonly pattern: RegExp }[]
  readonly byManifests: boolean
  readonly until: ArchiveEnd
  readonly sinceMs: number
  readonly pollIntervalMs: number
  readonly batchSize: number
  readonly ignoreErrors: boolean
  readonly share: TaskShare
}

/** Which records are left out; null: none. */
export interface ArchiveEnd {
  /** Those of this offset and later ones. */
  readonly offset: number | null
  /** Those with a later timestamp. */
  readonly timestamp: number | null
}

/** Which partitions a task reads: those whose number is its own, of as many as there are tasks. */
export interface TaskShare {
  readonly task: number
  readonly tasks: number
}

/** @param raw has white space that counts. */
export function settingsOf(config: ParsedConfig, raw: RawConfig): S3SourceSettings {
  const text = (key: S3SourceKey): string => String(config[key] ?? '')
  const separator: S3SourceKey = 'format.bytearray.separator'
  return {
    store: storeOf(config),
    layout: {
      topicsDir: text('topics.dir'),
      directoryDelimiter: text('directory.delim'),
      fileDelimiter: text('file.delim'),
    },
    format: formatOf(text('format.class')),
    formats: {
      bytes: { extension: text('format.bytearray.extension'), separator: Buffer.from(raw[separator] ?? '\n') },
      avroData: Object.fromEntries(avroDataKeys.map((key) => [key, config[key] ?? null])),
    },
    topics: topicsOf(config['topic.regex.list']),
    byManifests: config['archive.manifest'] === true,
    until: { offset: endOf(config, 'archive.until.offset'), timestamp: endOf(config, 'archive.until.timestamp') },
    sinceMs: Number(config['file.discovery.starting.timestamp']),
    pollIntervalMs: Number(config['s3.poll.interval.ms']),
    batchSize: Number(config['record.batch.max.size']),
    ignoreErrors: text('behavior.on.error').toLowerCase() === 'ignore',
    share: shareOf(text('task.share')),
  }
}

/** The connection to the store. A key of one's own needs no `s3.ssea.name` here, as in Confluent's source. */
export function storeOf(config: ParsedConfig): StoreSettings {
  const key = String(config['s3.sse.customer.key'] ?? '')
  const encryption = key === '' ? null : ({ kind: 'customer', key: Buffer.from(key, 'base64') } as const)
  return { ...storeSettings(config), encryption }
}

/** The text of a share in the config of a task. */
export function shareText({ task, tasks }: TaskShare): string {
  return `${task}/${tasks}`
}

function shareOf(text: string): TaskShare {
  const [task = 0, tasks = 1] = text.split('/').map(Number)
  return { task, tasks }
}

function endOf(config: ParsedConfig, key: S3SourceKey): number | null {
  const value = Number(config[key])
  return value < 0 ? null : value
}

function formatOf(className: string): FormatName {
  if (className === formats.avro) return 'avro'
  return className === formats.bytes ? 'bytes' : 'json'
}

function topicsOf(list: ParsedConfig[string] | undefined): S3SourceSettings['topics'] {
  return (Array.isArray(list) ? list.map(String) : []).map((entry) => {
    const [, topic, pattern] = present(/^([^:]+):(.*)$/.exec(entry), 'topic:pattern')
    return { topic: (topic ?? '').trim(), pattern: new RegExp(`^(?:${pattern ?? ''})$`) }
  })
}
