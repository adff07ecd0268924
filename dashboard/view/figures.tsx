import type { ConnectorView } from '../model/connector-view.ts'
import type { LagTime } from '../model/history.ts'

import { count, duration, none } from '../model/format.ts'

/** `320 records · 3 s behind`; a sink that keeps up is `no lag`. */
export function lagText(view: ConnectorView): string {
  if (view.entry.type === 'sink') return sinkLagText(view.lagRecords, view.lagTime)
  return view.behindSeconds === null ? none : behindText(view.behindSeconds)
}

function sinkLagText(records: number | null, time: LagTime | null): string {
  if (records === null) return none
  if (records === 0) return 'no lag'
  return `${count(records)} behind${time === null ? '' : ` · ${lagTimeText(time)}`}`
}

export function lagTimeText({ seconds, isAtLeast }: LagTime): string {
  return `${isAtLeast ? '≥ ' : ''}${duration(seconds)}`
}

/** A source commits several times a second: below that it keeps up. */
const keepsUpSeconds = 0.5

function behindText(seconds: number): string {
  return seconds < keepsUpSeconds ? 'no lag' : `${duration(seconds)} behind`
}
