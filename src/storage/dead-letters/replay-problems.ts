import type { ReplayPlan } from './replay-plan.ts'

/** @param partition its name @param size how many of the records have a letter */
export function lettersMissing(partition: string, plan: ReplayPlan, size: number): string {
  const { letters, count, until } = plan
  const records = count === 1 ? '1 record' : `${count} records`
  return (
    `${records} of ${partition} should be delivered again (POST …/errors/replay), and topic ${letters.topic} has only ${size} of the ` +
    `dead letters. ${withoutThem(partition, until)}`
  )
}

/** Records at the offsets of letters that are not theirs. */
export function othersFound(
  partition: string,
  queue: string,
  { others, size }: { readonly others: number; readonly size: number },
): string {
  return (
    `${partition}: ${others} of ${size} records were not delivered again: others are at their offsets, with another key or timestamp. The topic ` +
    `was deleted and created again, or restored; only the dead letter queue ${queue} has their bytes`
  )
}

/** It may have been created again. */
export function queueDeleted(partition: string, { letters, until }: ReplayPlan): string {
  return (
    `records of ${partition} should be delivered again (POST …/errors/replay), and topic ${letters.topic}, which had their dead letters, ` +
    `was deleted since. ${withoutThem(partition, until)}`
  )
}

/** @param range the offset that is to be read next, and the first one that the partition has */
export function recordsDeleted(
  partition: string,
  { until }: ReplayPlan,
  { offset, logStartOffset }: { readonly offset: number; readonly logStartOffset: number },
): string {
  return (
    `records of ${partition} should be delivered again (POST …/errors/replay) from offset ${offset} on, and those before offset ` +
    `${logStartOffset} are no longer in the topic: retention has deleted them (retention.ms, retention.bytes), and only the dead letter ` +
    `queue has their bytes. Nothing more is delivered or committed. To deliver those that are left, stop the connector, set its offset of ${partition} to ` +
    `${until} (PATCH …/offsets), send POST …/errors/replay again, which counts the others as "gone", and resume it`
  )
}

function withoutThem(partition: string, until: number): string {
  return (
    `Nothing is delivered or committed. To continue without them, stop the connector, set its offset of ${partition} to ${until} ` +
    '(PATCH …/offsets), and resume it; an earlier offset delivers every record from there'
  )
}
