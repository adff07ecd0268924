import { ConnectError, type SourceOffset, type SourcePartition, type SourceTaskContext } from 'penstock/api'
import type { SourceSettings } from '../config/source-settings.ts'
import { sourcePartition } from '../offsets/source-offset.ts'
import { CaptureHistory, tableFilterHash, tablesPartition } from '../publication/capture-history.ts'
import { PublicationMonitor } from '../publication/publication-monitor.ts'
import { MessageForm } from '../records/logical-message.ts'
import { RecordBuilder, versionHeader } from '../records/record-builder.ts'
import { TableRegistry } from '../schema/table-registry.ts'
import { TypeCatalog } from '../schema/type-catalog.ts'
import { aheadPartition, SnapshotAhead } from '../snapshot/snapshot-ahead.ts'
import { ConversionFailures } from '../values/conversion-failures.ts'
import { version } from '../version.ts'
import type { SessionContext } from './session-context.ts'

/** Creates the services and state of a task that its sessions share. */
export function createSessionContext(settings: SourceSettings, context: SourceTaskContext): SessionContext {
  const { clock, logger } = context
  const setCondition = context.setCondition.bind(context)
  const history = captureHistory(settings, context)
  const partition = sourcePartition(settings.prefix)
  const { load, save } = storedOffset(context, partition)
  return {
    settings,
    tables: tableRegistry(settings, context, history),
    records: recordBuilder(settings, context),
    monitor: new PublicationMonitor(settings, setCondition),
    history,
    ahead: snapshotAhead(settings, context),
    clock,
    logger,
    store: context.advanceOffset === undefined ? null : save,
    stored: load,
    highestVersion: async (topics) => await highestVersion(context, topics),
    setCondition,
    sharedVersions: context.metrics.counter(
      'source_shared_versions_total',
      'Changes from the 1,025th of a transaction on: they share a version, and only their order in the topic distinguishes them',
    ),
  }
}

function tableRegistry(settings: SourceSettings, context: SourceTaskContext, history: CaptureHistory): TableRegistry {
  const { prefix, delimiter, filter, keyRules, modes, schemaNames, fieldNames, comments } = settings
  const warned = new Set<string>()
  const shapes = {
    prefix,
    delimiter,
    filter,
    keyRules,
    modes,
    schemaNames,
    fieldNames,
    comments,
    types: new TypeCatalog(),
    failures: conversionFailures(settings, context),
    warn: (message: string): void => {
      if (warned.has(message)) return
      warned.add(message)
      context.logger.warn(message)
    },
  }
  return new TableRegistry(shapes, (table, committedAt) => history.onRows(table, table.captured, committedAt))
}

function conversionFailures(settings: SourceSettings, context: SourceTaskContext): ConversionFailures {
  return new ConversionFailures(settings.failureMode, {
    logger: context.logger,
    nulled: context.metrics.counter(
      'source_values_nulled_total',
      'Values that became null, because their record type cannot represent them or the WAL does not hold them',
    ),
    misdirected: context.metrics.counter(
      'source_deletions_unsure_total',
      'Deletions that may be of another row, because the WAL does not hold their key or two rows shared it',
    ),
    setCondition: (code, message) => context.setCondition(code, message),
  })
}

function recordBuilder(settings: SourceSettings, context: SourceTaskContext): RecordBuilder {
  const { prefix, connection, extendedHeaders, tombstones, messages } = settings
  return new RecordBuilder(
    {
      prefix,
      database: connection.database,
      taskId: String(context.task),
      connectorVersion: version,
      extendedHeaders,
      tombstones,
      messages: new MessageForm(messages),
    },
    context.clock,
  )
}

function captureHistory({ prefix }: SourceSettings, context: SourceTaskContext): CaptureHistory {
  return new CaptureHistory({
    ...storedOffset(context, tablesPartition(prefix)),
    setCondition: (message) => context.setCondition('PG_UNREAD', message),
    filterHash: tableFilterHash(context.raw),
  })
}

function snapshotAhead({ prefix }: SourceSettings, context: SourceTaskContext): SnapshotAhead {
  return new SnapshotAhead({
    ...storedOffset(context, aheadPartition(prefix)),
    setCondition: (message) => context.setCondition('PG_SNAPSHOT_AHEAD', message),
    warn: (message) => context.logger.warn(message),
  })
}

interface StoredOffset {
  readonly load: () => Promise<SourceOffset | null>
  readonly save: (offset: SourceOffset) => void
}

/** The offset that the worker stores for a source partition. */
function storedOffset(context: SourceTaskContext, partition: SourcePartition): StoredOffset {
  return {
    load: async () => (await context.readOffsets([partition]))[0] ?? null,
    save: (offset) => context.advanceOffset?.(partition, offset),
  }
}

/** Returns null when the worker may not read the topics, and sets a condition. */
async function highestVersion(context: SourceTaskContext, topics: readonly string[]): Promise<bigint | null> {
  try {
    const highest = await context.greatestHeader(topics, versionHeader)
    context.setCondition('PG_VERSIONS_UNREAD', null)
    return highest
  } catch (error) {
    if (!(error instanceof ConnectError) || error.code !== 'TOPIC_READ_DENIED') throw error
    context.setCondition(
      'PG_VERSIONS_UNREAD',
      `row versions start above that of the stored offset only, because the topics may not be read: if the topics hold higher versions, ` +
        `sinks reject the new rows. ${error.message}`,
    )
    return null
  }
}
