import type { FindingEvidence, FindingSeverity } from '../../api/diagnosis/finding.ts'
import { troubleOf } from '../catalogue/catalogue.ts'
import type { Finding } from '../finding.ts'
import type { ConnectorObservations, ObservedStatus } from '../observations.ts'
import { traceEntries, type TraceEntry } from '../trace-entries.ts'
import { commandsIn, findingOf } from './make-finding.ts'

/** Lines that only say what follows a failure. */
const notes: ReadonlySet<string> = new Set(['RESTART_SCHEDULED', 'CONDITIONS_OMITTED'])
/** Characters of a cause; a message may quote a whole document. */
const maxCauseLength = 600

/** What the statuses of a connector and its tasks say: conditions, calls that are retried, and errors. */
export function statusFindings(observed: ConnectorObservations): readonly Finding[] {
  const { status, tasks } = observed
  const own = status === null ? [] : traceFindings(observed, null, status)
  return [...own, ...tasks.flatMap((task) => traceFindings(observed, task.id, task))]
}

function traceFindings(
  observed: ConnectorObservations,
  task: number | null,
  { state, trace, workerId }: ObservedStatus,
): readonly Finding[] {
  const entries = traceEntries(trace).filter(({ code }) => code === null || !notes.has(code))
  const failed = state === 'FAILED'
  if (failed && entries.length === 0)
    return [
      findingOf(observed, failedCode(task), { task, cause: `${nameOf(observed, task)} has failed without a reason` }),
    ]
  return entries.map((entry) => {
    const code = codeOf(entry, failed, task)
    const message = oneLine([entry.text, ...hiddenCauses(entry)].join(': '))
    return findingOf(observed, code, {
      task,
      cause: causeOf(observed, task, entry, message),
      since: observed.since(task, code),
      evidence: evidenceOf(entry, { state, worker: workerId }, message),
      commands: commandsIn(message),
      ...severityOf(entry, failed),
    })
  })
}

function codeOf(entry: TraceEntry, failed: boolean, task: number | null): string {
  const known = troubleOf(entry)
  if (known !== null) return known.code
  if (entry.code !== null) return entry.code
  return failed ? failedCode(task) : 'CALL_RETRIED'
}

function failedCode(task: number | null): string {
  return task === null ? 'CONNECTOR_FAILED' : 'TASK_FAILED'
}

/** What fails or is retried keeps records from flowing, whatever its code is elsewhere. */
function severityOf(entry: TraceEntry, failed: boolean): { readonly severity?: FindingSeverity } {
  return failed || entry.retried !== null ? { severity: 'error' } : {}
}

/** Most errors repeat their cause in their message. */
function hiddenCauses({ text, causes }: TraceEntry): readonly string[] {
  return causes
    .map((cause) => cause.replace(/^[\w.$]+: /, ''))
    .filter((cause) => !text.includes(cause))
    .slice(0, 2)
}

function causeOf(observed: ConnectorObservations, task: number | null, entry: TraceEntry, message: string): string {
  const what = nameOf(observed, task)
  const call = entry.retried === null ? '' : ` (${entry.retried} is retried)`
  const cut = message.length > maxCauseLength ? `${message.slice(0, maxCauseLength)}…` : message
  return `${what}${call}: ${cut}`
}

function nameOf({ connector }: ConnectorObservations, task: number | null): string {
  return task === null ? `connector ${connector}` : `task ${connector}-${task}`
}

function oneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').trim()
}

/** The place of the record, where the message names one. */
function evidenceOf(
  entry: TraceEntry,
  where: { readonly state: string; readonly worker: string },
  message: string,
): FindingEvidence {
  const place = /\b(?:record|of record) ([^\s,:]+)-(\d+)@(\d+)/.exec(message)
  return {
    ...where,
    ...(entry.error === null ? {} : { error: entry.error }),
    ...(entry.retried === null ? {} : { retried_call: entry.retried }),
    ...(place === null ? {} : { topic: place[1] ?? '', partition: Number(place[2]), offset: Number(place[3]) }),
  }
}
