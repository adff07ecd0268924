import { abortable } from '../../foundation/async/abortable.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { LogWatch, SeenChange } from './log-watch.ts'
import { bucket, objectsOf, topicOf } from './names.ts'
import type { Shop } from './shop.ts'
import type { Search } from './targets.ts'

/** The path of one row through all servers. Times are milliseconds since just before its commit was sent. */
export interface Journey {
  readonly order: number
  readonly lsn: string
  readonly change: SeenChange
  readonly logMs: number
  /** Null without Elasticsearch. */
  readonly documentMs: number | null
}

/** Updates an order and follows it to its topic and its document. */
export async function followOrder(
  parts: { readonly shop: Shop; readonly log: LogWatch; readonly search: Search | null; readonly clock: Clock },
  order: number,
  signal: AbortSignal,
): Promise<Journey> {
  const { shop, log, search, clock } = parts
  const status = `demo-${process.pid}-${Math.round(clock.now())}`
  const topic = topicOf('orders')
  // The status occurs in this change and nowhere else, whatever the format of the value.
  const seen = log.next((record) => record.topic === topic && record.value?.includes(status) === true)
  const start = clock.monotonic()
  const documentAfter = async (index: Search): Promise<number> => {
    for (;;) {
      const document = await index.document(topic, String(order), signal)
      if (document?.['status'] === status) return clock.monotonic() - start
      await clock.sleep(1, signal)
    }
  }
  const lsn = await shop.touch(order, status)
  const change = await abortable(seen, signal)
  const documentMs = search === null ? null : await documentAfter(search)
  return { order, lsn, change, logMs: change.atMs - start, documentMs }
}

/** Returns a line for each place that the change has reached, with the time since the commit. */
export function describeJourney(journey: Journey, hasArchive: boolean): string {
  const { order, lsn, change, logMs, documentMs } = journey
  const stages = [
    ['commit', lsn, ''],
    ['topic', `${change.topic}-${change.partition}@${change.offset}`, `+${logMs.toFixed(1)} ms`],
    ...(documentMs === null
      ? []
      : [['document', `${topicOf('orders')}/_doc/${order}`, `+${documentMs.toFixed(0)} ms`]]),
    ...(hasArchive ? [['object', `s3://${bucket}/${objectsOf('orders')}…`, 'in ≤ 10 s']] : []),
  ]
  const lines = stages.map(([stage = '', where = '', time = '']) =>
    `  ${stage.padEnd(10)}${where.padEnd(70)}${time.padStart(12)}`.trimEnd(),
  )
  return [`The path of one row: order ${order} is updated`, ...lines].join('\n')
}
