import type { ErrantRecordReporter, SinkTaskContext } from 'penstock/api'
import { BulkPace } from './bulk/bulk-pace.ts'
import { BulkSender } from './bulk/bulk-sender.ts'
import { BulkWriter } from './bulk/bulk-writer.ts'
import { BulkActionEncoder } from './bulk/operation.ts'
import { senderMetrics } from './bulk/sender-metrics.ts'
import { openCluster, type Cluster } from './client/cluster.ts'
import { Retries, type TroubleCode } from './client/retries.ts'
import { settingsOf, type SinkSettings } from './config/settings.ts'
import { IndexWatch } from './indices/index-watch.ts'
import { indexTargets } from './indices/index-targets.ts'
import { Indices } from './indices/indices.ts'
import { streamTargets } from './indices/stream-targets.ts'
import type { LedgerLimits } from './ordering/conflict-ledger.ts'
import { ConflictWatch } from './ordering/conflict-watch.ts'
import { KeyChanges } from './ordering/key-changes.ts'
import { Partitions } from './ordering/partitions.ts'
import { RecordIntake } from './record-intake.ts'
import { MissingValues } from './stored-values/missing-values.ts'

const maxRetriesOnConflict = 5
// Of a template that makes many names, those of the past need no memory.
const maxIndices = 1000

/** The parts of a running task. Records go intake → key changes → writer → sender → cluster. */
export interface Sink {
  readonly context: SinkTaskContext
  readonly settings: SinkSettings
  readonly cluster: Cluster
  readonly partitions: Partitions
  readonly intake: RecordIntake
  readonly keyChanges: KeyChanges
  readonly writer: BulkWriter
  readonly watch: IndexWatch
  readonly conflicts: ConflictWatch
  readonly missing: MissingValues
  /** Aborts everything that waits for Elasticsearch. */
  readonly stop: AbortController
}

/** Keeps the records that make no document, or that Elasticsearch rejects; null without a dead letter queue. */
function lettersOf({ errantRecordReporter }: SinkTaskContext): ErrantRecordReporter | null {
  return errantRecordReporter?.keepsRecords === true ? errantRecordReporter : null
}

/** Builds the parts of a task. Sends nothing. @throws ConfigError */
export async function openSink(context: SinkTaskContext, limits: LedgerLimits): Promise<Sink> {
  const settings = settingsOf(context.config)
  const { metrics, clock, logger } = context
  const stop = new AbortController()
  const { signal } = stop
  const letters = lettersOf(context)
  const cluster = await openCluster(settings, clock)
  const retries = retriesFor(settings, context)
  const partitions = new Partitions(context)
  const conflicts = new ConflictWatch({ settings, context, log: partitions, limits })
  const missing = new MissingValues(context, partitions)
  const maxNames = settings.indexName === null ? Number.POSITIVE_INFINITY : maxIndices
  const watch = new IndexWatch({
    cluster,
    retries,
    context,
    requireAlias: settings.requireAlias,
    streams: settings.appendOnly,
    maxNames,
  })
  const targets = settings.dataStream === null ? indexTargets : streamTargets
  const indices = new Indices({
    cluster,
    retries,
    watch,
    logger,
    exact: settings.values === 'exact',
    targets,
    definition: settings.indexDefinition,
    maxNames,
    setCondition: (code, text) => context.setCondition(code, text),
  })
  const writer = new BulkWriter(
    settings,
    clock,
    (batch) => sender.deliver(batch),
    (error) => {
      if (!signal.aborted) context.raiseError(error)
    },
  )
  const encoder = new BulkActionEncoder(writer.arena, Math.min(settings.maxInFlight, maxRetriesOnConflict))
  const sender = new BulkSender({
    cluster,
    watch,
    retries,
    settings,
    encoder,
    clock,
    logger,
    signal,
    metrics: senderMetrics(metrics),
    pace: new BulkPace(settings),
    conflicts,
    missing,
    letters,
  })
  const keyChanges = new KeyChanges((operation) => writer.add(operation), clock)
  const intake = new RecordIntake({
    settings,
    context,
    partitions,
    indices,
    watch,
    encoder,
    keyChanges,
    letters,
    signal,
  })
  return { context, settings, cluster, partitions, intake, keyChanges, writer, watch, conflicts, missing, stop }
}

function retriesFor(settings: SinkSettings, context: SinkTaskContext): Retries {
  const { metrics, clock, logger } = context
  const retried = metrics.counter(
    'elasticsearch_retries_total',
    'Requests sent again because Elasticsearch was not available',
  )
  const shown = new Set<TroubleCode>()
  return new Retries(settings, clock, logger, {
    onRetry: () => retried.add(1),
    show(code, message) {
      if (message === null) shown.delete(code)
      else shown.add(code)
      context.setCondition(code, message)
      context.showWaiting?.(shown.size === 0 ? null : 'requests to Elasticsearch are being retried')
    },
  })
}
