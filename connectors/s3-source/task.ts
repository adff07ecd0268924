import {
  abortable,
  ConnectError,
  present,
  type Counter,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from 'penstock/api'

import { openStore } from '../s3-store/client/open-store.ts'
import type { S3Store } from '../s3-store/client/s3-store.ts'
import type { StoreEvents } from '../s3-store/client/store-requests.ts'
import type { ObjectName } from '../s3-store/object/object-name.ts'
import { ObjectChangedError } from '../s3-store/reading/object-bytes.ts'
import { isDue, tagOf, type ArchiveUnit, type Position } from './archive/archive-unit.ts'
import { listArchive, type ArchiveScope } from './archive/list-archive.ts'
import { ManifestReader } from './archive/manifest-reader.ts'
import { DamagedObjectError, UnitReader, type ArchiveRecord, type RecordReader } from './archive/unit-reader.ts'
import { settingsOf, type S3SourceSettings } from './config/settings.ts'
import { Formats } from './format/open-format.ts'
import { positionOf, sourceOffsetOf, sourcePartitionOf } from './offsets.ts'

/** Everything that exists between `start` and `stop`. */
interface Running {
  readonly context: SourceTaskContext
  readonly settings: S3SourceSettings
  readonly store: S3Store
  readonly scope: ArchiveScope
  readonly objects: Counter
}

/** Reads the objects of its share of the partitions, each partition in the order of its offsets. */
export class S3SourceTask implements SourceTask {
  readonly #stopped = new AbortController()
  readonly #positions = new Map<string, Position | null>()
  #running: Running | null = null
  #units: ArchiveUnit[] = []
  #reader: RecordReader | null = null
  /** The unit that is read, or was about to be. */
  #current: ArchiveUnit | null = null
  /** A call of `poll` that was aborted left it. */
  #pending: Promise<readonly SourceRecord[]> | null = null

  async start(context: SourceTaskContext): Promise<void> {
    const settings = settingsOf(context.config, context.raw)
    const retries = context.metrics.counter('s3_source_retries_total', 'Requests to the S3 store that were retried')
    const events: StoreEvents = {
      retried: () => retries.add(1),
      waitsFor: (reason) => context.setCondition('S3_UNAVAILABLE', reason),
    }
    const store = await openStore(settings.store, context.clock, events, this.#stopped.signal)
    const objects = context.metrics.counter('s3_source_objects_total', 'Objects of values that were read to their end')
    this.#running = { context, settings, store, scope: scopeOf(settings), objects }
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    this.#pending ??= this.#next()
    const pending = this.#pending
    try {
      const records = await abortable(pending, signal)
      this.#pending = null
      return records
    } catch (error) {
      if (signal.aborted) return null
      this.#pending = null
      throw error
    }
  }

  // The archive keeps its objects.
  async commit(): Promise<void> {}

  async stop(): Promise<void> {
    this.#stopped.abort(new ConnectError('the task has stopped'))
    await this.#pending?.catch(() => undefined)
    await this.#close()
    this.#running?.store.close()
  }

  async #next(): Promise<readonly SourceRecord[]> {
    const running = present(this.#running, 'a started task')
    const { signal } = this.#stopped
    for (;;) {
      signal.throwIfAborted()
      try {
        const records = await this.#read(running)
        if (records.length > 0) return records
      } catch (error) {
        await this.#failed(error, running)
      }
      if (this.#reader !== null || this.#units.length > 0) continue
      this.#units = await this.#due(running)
      running.context.recovered?.()
      if (this.#units.length === 0) await running.context.clock.sleep(running.settings.pollIntervalMs, signal)
    }
  }

  /** Returns the next records; none at the end of a unit. */
  async #read(running: Running): Promise<readonly SourceRecord[]> {
    const reader = this.#reader ?? (await this.#openNext(running))
    if (reader === null) return []
    const { unit } = reader
    const at = present(this.#positions.get(directoryOf(unit)), 'a position')
    const taken = await reader.take(running.settings.batchSize)
    const complete = await reader.isAtEnd()
    const position = { ...at, record: at.record + taken.length, complete }
    this.#positions.set(directoryOf(unit), position)
    if (complete) {
      await this.#close()
      running.objects.add(1)
    }
    return taken.flatMap((record, i) => {
      if (isBehind(record, running.settings)) return []
      const isLast = complete && i === taken.length - 1
      return [recordOf(running, unit, record, { ...at, record: at.record + i + 1, complete: isLast })]
    })
  }

  /** Opens the next unit, behind the records of it that are read. */
  async #openNext({ settings, store, scope }: Running): Promise<RecordReader | null> {
    const unit = this.#units.shift()
    if (unit === undefined) return null
    this.#current = unit
    const known = this.#positions.get(directoryOf(unit)) ?? null
    const record = known?.start === unit.start ? known.record : 0
    this.#positions.set(directoryOf(unit), { start: unit.start, record, tag: tagOf(unit), complete: false })
    const { signal } = this.#stopped
    this.#reader =
      unit.manifest === null
        ? await UnitReader.open(unit, store, scope.formats, signal)
        : await ManifestReader.open(unit, store, scope, signal)
    for (let skipped = 0; skipped < record;) {
      const taken = await this.#reader.take(Math.min(settings.batchSize, record - skipped))
      if (taken.length === 0) break
      skipped += taken.length
    }
    return this.#reader
  }

  /** @throws the error unless the rest of the unit is left out */
  async #failed(error: unknown, { context, settings }: Running): Promise<void> {
    const unit = this.#current
    await this.#close()
    if (error instanceof ObjectChangedError) this.#units = []
    if (unit === null || !(error instanceof DamagedObjectError) || !settings.ignoreErrors) throw error
    context.setCondition('S3_OBJECT_SKIPPED', error.message)
    const at = present(this.#positions.get(directoryOf(unit)), 'a position')
    this.#positions.set(directoryOf(unit), { ...at, complete: true })
  }

  /** Lists the units that have records to read. */
  async #due({ context, settings, store, scope }: Running): Promise<ArchiveUnit[]> {
    const units = await listArchive(store, scope, this.#stopped.signal)
    const unknown = [...new Map(units.map((unit) => [directoryOf(unit), unit])).entries()].filter(
      ([directory]) => !this.#positions.has(directory),
    )
    const offsets = await context.readOffsets(unknown.map(([, unit]) => sourcePartitionOf(settings.store.bucket, unit)))
    for (const [i, [directory]] of unknown.entries()) {
      const offset = offsets[i] ?? null
      this.#positions.set(directory, offset === null ? null : positionOf(offset))
    }
    return units.filter((unit) => isDue(unit, this.#positions.get(directoryOf(unit)) ?? null))
  }

  async #close(): Promise<void> {
    const reader = this.#reader
    this.#reader = null
    this.#current = null
    await reader?.close()
  }
}

/** A directory may have objects of several partitions, and of replays. */
function directoryOf({ directory, partition, replayId }: ArchiveUnit): string {
  return `${partition} ${replayId ?? ''} ${directory}`
}

/** Whether a record is left out. */
function isBehind({ offset, timestamp }: ArchiveRecord, { until }: S3SourceSettings): boolean {
  const isLater = (value: number | null, end: number | null): boolean => value !== null && end !== null && value > end
  return isLater(offset, until.offset === null ? null : until.offset - 1) || isLater(timestamp, until.timestamp)
}

function scopeOf({ layout, format, formats, byManifests, sinceMs, topics, share }: S3SourceSettings): ArchiveScope {
  return {
    layout,
    format,
    formats: new Formats(formats),
    byManifests,
    sinceMs,
    takes: (name, key) =>
      shareNumber(name) % share.tasks === share.task &&
      (topics.length === 0 || topics.some(({ pattern }) => pattern.test(key))),
  }
}

/** Spreads the partitions of a topic over the tasks, and topics with one partition as well. */
function shareNumber({ topic, partition }: ObjectName): number {
  let number = 0
  for (const character of topic) number = (number * 31 + (character.codePointAt(0) ?? 0)) % 1_000_003
  return number + partition
}

function recordOf(
  { settings }: Running,
  unit: ArchiveUnit,
  { key, value, headers, timestamp }: ArchiveRecord,
  position: Position,
): SourceRecord {
  return {
    topic: topicOf(settings, unit),
    partition: unit.partition,
    keySchema: key.schema,
    key: key.value,
    valueSchema: value.schema,
    value: value.value,
    timestamp,
    headers,
    sourcePartition: sourcePartitionOf(settings.store.bucket, unit),
    sourceOffset: sourceOffsetOf(position),
  }
}

function topicOf({ topics }: S3SourceSettings, { topic, manifest, value, keys }: ArchiveUnit): string {
  const key = (manifest ?? (value ?? keys)?.listed)?.key ?? ''
  return topics.find(({ pattern }) => pattern.test(key))?.topic ?? topic
}
