import type { LabelledSample, Sample } from '../../foundation/metrics/meters.ts'

/** A metric of Kafka Connect, and the one of ours that it is made of. */
interface Made {
  /** Its MBean is `kafka.connect:type=<group>-metrics`. */
  readonly group: 'sink-task' | 'source-task' | 'connector-task' | 'task-error'
  readonly attribute: string
  readonly of: string
  /** The value, in ms, the number of observations, or their mean, in ms. */
  readonly as: 'value' | 'ms' | 'count' | 'mean' | 'mean ms'
}

const sink = (attribute: string, of: string, as: Made['as'] = 'value'): Made => ({
  group: 'sink-task',
  attribute,
  of,
  as,
})
const error = (attribute: string, of: string, as: Made['as'] = 'value'): Made => ({
  group: 'task-error',
  attribute,
  of: `task_error_${of}`,
  as,
})

/** The metrics of tasks. Means are those since the start of the task; in Kafka Connect they are those of the last minute. */
const made: readonly Made[] = [
  { group: 'source-task', attribute: 'source-record-poll-total', of: 'source_records_polled_total', as: 'value' },
  { group: 'source-task', attribute: 'source-record-write-total', of: 'source_records_written_total', as: 'value' },
  sink('sink-record-read-total', 'sink_records_read_total'),
  sink('sink-record-send-total', 'sink_records_sent_total'),
  sink('sink-record-active-count', 'sink_uncommitted_records'),
  sink('partition-count', 'sink_partitions'),
  sink('put-batch-avg-time-ms', 'sink_put_seconds', 'mean ms'),
  sink('offset-commit-completion-total', 'sink_offset_commit_seconds', 'count'),
  { group: 'connector-task', attribute: 'batch-size-avg', of: 'sink_put_batch_size', as: 'mean' },
  { group: 'connector-task', attribute: 'batch-size-avg', of: 'source_poll_batch_size', as: 'mean' },
  { group: 'connector-task', attribute: 'offset-commit-avg-time-ms', of: 'sink_offset_commit_seconds', as: 'mean ms' },
  error('total-record-failures', 'record_failures_total'),
  error('total-record-errors', 'record_errors_total'),
  error('total-records-skipped', 'records_skipped_total'),
  error('total-retries', 'retries_total'),
  error('total-errors-logged', 'errors_logged_total'),
  error('deadletterqueue-produce-requests', 'dead_letter_requests_total'),
  error('deadletterqueue-produce-failures', 'dead_letter_failures_total'),
  error('last-error-timestamp', 'last_timestamp_seconds', 'ms'),
]

/** A connector as this worker runs it. */
export interface LocalConnector {
  readonly name: string
  readonly type: string
  readonly className: string
  /** Whether its instance runs on this worker. */
  readonly isHere: boolean
  /** Its tasks on this worker, with their states. */
  readonly tasks: readonly { readonly id: number; readonly state: string }[]
}

/** The states of tasks that have a count of their own. */
const counted = ['running', 'paused', 'failed', 'unassigned', 'restarting', 'destroyed']

/**
 * Kafka Connect's metrics under the names that the usual rules of the JMX exporter give them: those of its example
 * `kafka-connect.yml` and of Strimzi's `kafka-connect-metrics.yaml`. The name of an attribute is `kafka_connect_<group>_<attribute>`.
 */
export function connectMetrics(
  samples: readonly LabelledSample[],
  connectors: readonly LocalConnector[],
): readonly LabelledSample[] {
  const bySource = Map.groupBy(made, ({ of }) => of)
  const ofTasks = samples.flatMap(({ sample, labels }) =>
    (bySource.get(sample.name) ?? []).map(({ group, attribute, as }) => {
      const { connector = '', task = '' } = labels
      return metric(`${group}-${attribute}`, `${group}-metrics`, valueOf(sample, as), { connector, task })
    }),
  )
  return [...ofTasks, ...connectors.flatMap(ofConnector), ...ofWorker(connectors)]
}

function ofConnector({ name: connector, type, className, isHere, tasks }: LocalConnector): readonly LabelledSample[] {
  const group = 'connector-metrics'
  const instance = [
    metric('connector-connector-class', group, 1, { connector, connector_class: className }),
    metric('connector-connector-type', group, 1, { connector, connector_type: type }),
  ]
  const states = tasks.flatMap(({ id, state }) => {
    const labels = { connector, task: String(id), status: state.toLowerCase() }
    return [
      // The first name is that of the example of the JMX exporter, the second one that of Strimzi.
      metric('connector-status', 'connector-task-metrics', 1, labels),
      metric('connector-task-status', 'connector-task-metrics', 1, labels),
    ]
  })
  const counts = counted.map((status) => {
    const count = tasks.filter(({ state }) => state.toLowerCase() === status).length
    return metric(`worker-connector-${status}-task-count`, 'connect-worker-metrics', count, { connector })
  })
  const total = metric('worker-connector-total-task-count', 'connect-worker-metrics', tasks.length, { connector })
  return [...(isHere ? instance : []), ...states, ...(tasks.length > 0 ? [total, ...counts] : [])]
}

function ofWorker(connectors: readonly LocalConnector[]): readonly LabelledSample[] {
  const instances = connectors.filter(({ isHere }) => isHere).length
  const tasks = connectors.reduce((sum, connector) => sum + connector.tasks.length, 0)
  return [
    metric('worker-connector-count', 'connect-worker-metrics', instances),
    metric('worker-task-count', 'connect-worker-metrics', tasks),
    metric('coordinator-assigned-connectors', 'connect-coordinator-metrics', instances),
    metric('coordinator-assigned-tasks', 'connect-coordinator-metrics', tasks),
  ]
}

function metric(name: string, group: string, value: number, labels: LabelledSample['labels'] = {}): LabelledSample {
  const kind = name.endsWith('-total') ? 'counter' : 'gauge'
  return { sample: { kind, name: name.replaceAll('-', '_'), help: `Kafka Connect's ${group}`, value }, labels }
}

/** Kafka's means are NaN while there is nothing to take the mean of. */
function valueOf(sample: Sample, as: Made['as']): number {
  if (sample.kind !== 'histogram') return as === 'ms' ? sample.value * 1000 : sample.value
  const count = sample.counts.reduce((sum, each) => sum + each, 0)
  if (as === 'count') return count
  return (sample.sum / count) * (as === 'mean ms' ? 1000 : 1)
}
