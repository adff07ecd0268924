import type { TaskContext } from '../../../api/task.ts'
import { skippedOffsets, type PositionReset } from '../../../client/consumer/position-reset.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import type { Counter } from '../../../foundation/metrics/metrics.ts'
import { formatTopicPartition } from '../../../foundation/topic-partition.ts'

export interface SkippedOffsetsOptions {
  readonly logger: Logger
  readonly skipped: Counter
  readonly setCondition: TaskContext['setCondition']
}

const code = 'RECORDS_SKIPPED'
const maxNamed = 4

/** The offsets that a partition skipped in a row: `count` of them, from `from` to before `last.to`. */
interface Skipped {
  readonly from: number
  readonly count: number
  readonly last: PositionReset
}

/**
 * Tells an operator what a sink did not read because `auto.offset.reset` moved its position: in a log line per move, in a
 * counter, and in a condition. The records cannot be read any more, so the condition lasts until the task ends; a restart
 * acknowledges it.
 */
export class SkippedOffsets {
  readonly #options: SkippedOffsetsOptions
  readonly #partitions = new Map<string, Skipped>()

  constructor(options: SkippedOffsetsOptions) {
    this.#options = options
  }

  note(reset: PositionReset): void {
    const { logger, skipped, setCondition } = this.#options
    const name = formatTopicPartition(reset)
    const count = skippedOffsets(reset)
    const { reason, from, to, policy } = reset
    logger.warn(`${describe({ from, count, last: reset })}; ${continuation(reset)}`, {
      topic: reset.topic,
      partition: reset.partition,
      from,
      to,
      skipped: count,
      'auto.offset.reset': policy,
    })
    if (count > 0) skipped.add(count)
    const before = this.#partitions.get(name)
    const sum = reason === 'removed' && before?.last.reason === 'removed' ? before : { from, count: 0 }
    this.#partitions.delete(name)
    this.#partitions.set(name, { from: sum.from, count: sum.count + count, last: reset })
    setCondition(code, this.#text())
  }

  /** The last moves first. */
  #text(): string {
    const all = [...this.#partitions.values()].toReversed()
    const more = all.length > maxNamed ? `. And ${all.length - maxNamed} more partitions, which the logs name` : ''
    return (
      `${all.slice(0, maxNamed).map(describe).join('. ')}${more}. The target lacks these records. To acknowledge this, ` +
      'restart the task'
    )
  }
}

function describe({ from, count, last }: Skipped): string {
  const { topic, reason, to, policy, logStartOffset } = last
  const name = formatTopicPartition(last)
  if (reason === 'recreated')
    return `topic ${topic} was deleted and created again: records of the old topic from offset ${from} of ${name} on were not read`
  if (reason === 'truncated')
    return `${name} was truncated or created again: it ends before offset ${from}, which was next, and what was there is lost`
  const range = `offsets ${from} to ${(to ?? from) - 1} of ${name}`
  return policy === 'earliest'
    ? `${range} were deleted before they were read (${count} in total)`
    : `${range} were not read (${count} in total): those before ${logStartOffset ?? from} were deleted, and ` +
        'auto.offset.reset=latest skips the others'
}

function continuation({ to, policy }: PositionReset): string {
  const place = policy === 'earliest' ? 'start' : 'end'
  return `reading continues at the ${place}${to === null ? ' of the new topic' : `, offset ${to}`} (auto.offset.reset=${policy})`
}
