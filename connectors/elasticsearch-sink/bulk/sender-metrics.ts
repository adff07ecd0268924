import type { Counter, Histogram, TaskMetrics } from 'penstock/api'

/** The metrics of the sender. */
export interface SenderMetrics {
  readonly bulkSeconds: Histogram
  readonly documents: Counter
  readonly conflicts: Counter
  readonly malformed: Counter
}

/** Registers the metrics of the sender. */
export function senderMetrics(metrics: TaskMetrics): SenderMetrics {
  return {
    bulkSeconds: metrics.histogram(
      'elasticsearch_bulk_seconds',
      'Time from sending a bulk request to its response',
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    ),
    documents: metrics.counter('elasticsearch_documents_total', 'Operations that Elasticsearch applied'),
    conflicts: metrics.counter(
      'elasticsearch_conflicts_total',
      'Operations that met a higher stored version, as in a replay',
    ),
    malformed: metrics.counter(
      'elasticsearch_malformed_total',
      'Documents that Elasticsearch rejected, and that were skipped or became dead letters',
    ),
  }
}
