import type { Counter, Gauge, Histogram, TaskMetrics } from 'penstock/api'

/** The metrics of the sender. */
export interface SenderMetrics {
  readonly bulkSeconds: Histogram
  readonly documents: Counter
  readonly conflicts: Counter
  readonly malformed: Counter
  readonly requestsLimit: Gauge
  readonly operationsLimit: Gauge
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
    requestsLimit: metrics.gauge(
      'elasticsearch_requests_limit',
      'Bulk requests that may be in flight: max.in.flight.requests, or fewer while Elasticsearch is overloaded',
    ),
    operationsLimit: metrics.gauge(
      'elasticsearch_request_operations_limit',
      'Operations that a bulk request may have: batch.size, or fewer while Elasticsearch is overloaded',
    ),
    malformed: metrics.counter(
      'elasticsearch_malformed_total',
      'Documents that Elasticsearch rejected, and that were skipped or became dead letters',
    ),
  }
}
