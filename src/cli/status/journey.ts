import { grouped } from '../output/text.ts'
import type { Journey, SinkJourney } from '../rest-client/penstock-entities.ts'

/** A place that a record has come to, or not yet. */
export interface Stage {
  /** `commit`, `log`, or the name of a sink. */
  readonly stage: string
  readonly place: string
  /** In ISO 8601; null where it is not known. */
  readonly time: string | null
  readonly isDone: boolean
}

/** The stages of a record that is in the log. */
export function stagesOf({ topic, commit, log, sinks }: Journey & { readonly log: object }): readonly Stage[] {
  const place = `${topic}, partition ${log.partition}, offset ${grouped(log.offset)}`
  return [
    ...(commit === null ? [] : [commitStage(commit)]),
    { stage: 'log', place, time: log.time, isDone: true },
    ...sinks.map((sink) => sinkStage(sink, log.offset)),
  ]
}

function commitStage({ lsn, time, transaction }: NonNullable<Journey['commit']>): Stage {
  const parts = [lsn === null ? '' : `LSN ${lsn}`, transaction === null ? '' : `transaction ${transaction}`]
  return { stage: 'commit', place: parts.filter((part) => part !== '').join(', '), time, isDone: true }
}

/** Where a sink has it, or how far the sink is behind. */
function sinkStage({ connector, committed, committed_offset, place, note }: SinkJourney, offset: number): Stage {
  const missing = offset + 1 - (committed_offset ?? 0)
  const waits =
    missing === 1 ? 'waits: it is the next record' : `waits: ${grouped(missing)} records are not committed yet`
  const version = place?.version === undefined || place.version === null ? '' : `, version ${place.version}`
  const found = place === null ? '' : `${place.kind} ${place.name}${version}`
  const parts = [committed ? found || 'delivered' : waits, note ?? '']
  return { stage: connector, place: parts.filter((part) => part !== '').join('; '), time: null, isDone: committed }
}
