import type { Activity } from './activity.ts'
import type { ConnectorView } from './connector-view.ts'

/** One finding of `GET /diagnosis`. */
export interface Finding {
  readonly connector: string | null
  readonly code: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly stage: string
  readonly task: number | null
  readonly since: string | null
  readonly cause: string
  readonly fix: string
  readonly commands: readonly string[]
}

/** What a button of a problem does. */
export type Remedy = 'restart' | 'restartAll' | 'resume'

/** A restart acknowledges that records were skipped. */
const acknowledged = 'ERRANT_RECORDS'

/** Something that needs an operator, with what can be done. */
export interface Problem {
  readonly key: string
  readonly severity: 'error' | 'warning' | 'info'
  /** Null: the worker itself. */
  readonly connector: string | null
  readonly task: number | null
  readonly code: string | null
  readonly cause: string
  readonly fix: string | null
  readonly commands: readonly string[]
  /** Since when, in ms of the epoch; null: not known. */
  readonly since: number | null
  readonly remedy: Remedy | null
}

const severities = ['error', 'warning', 'info'] as const

/**
 * What needs an operator, most severe first. The findings of the diagnosis take the place of what states and traces say; where
 * there are none for a connector that failed or waits, its trace speaks.
 */
export function problemsOf(
  activity: Activity,
  views: readonly ConnectorView[],
  findings: readonly Finding[],
): readonly Problem[] {
  const states = new Map(views.map(({ name, state }) => [name, state]))
  const found = findings
    .filter(({ severity }) => severity !== 'info')
    .map((finding) => ofFinding(finding, states.get(finding.connector ?? '') ?? null))
  const explained = new Set(found.map(({ connector }) => connector))
  const traced = views.filter(({ name }) => !explained.has(name)).flatMap(ofTraces)
  const worker = explained.has(null) ? [] : activity.worker.conditions.map(ofCondition)
  return [...worker, ...found, ...traced].toSorted(
    (a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity),
  )
}

function ofFinding(finding: Finding, state: ConnectorView['state'] | null): Problem {
  const { connector, task, code, severity, cause, fix, commands, since } = finding
  const parsed = since === null ? Number.NaN : Date.parse(since)
  return {
    key: `${connector ?? ''} ${code} ${task ?? ''}`,
    severity,
    connector,
    task,
    code,
    cause: withoutSubject(cause, finding),
    fix,
    commands,
    since: Number.isNaN(parsed) ? null : parsed,
    remedy: remedyOf(state, code),
  }
}

/** The list names the connector and the task beside the cause. */
function withoutSubject(cause: string, { connector, task }: Finding): string {
  const subject = `task ${connector ?? ''}-${task ?? ''}: `
  return cause.startsWith(subject) ? cause.slice(subject.length) : cause
}

function remedyOf(state: ConnectorView['state'] | null, code: string | null): Remedy | null {
  if (code === acknowledged) return 'restartAll'
  if (state === 'FAILED') return 'restart'
  return state === 'PAUSED' || state === 'STOPPED' ? 'resume' : null
}

function ofTraces({ name, entry, state }: ConnectorView): readonly Problem[] {
  if (state !== 'FAILED' && state !== 'DEGRADED') return []
  const instances = [{ ...entry, id: null }, ...entry.tasks]
  return instances
    .filter((each) => (state === 'FAILED' ? each.state === 'FAILED' : each.trace !== null))
    .map(({ id, trace }) => {
      const { code, text } = causeOf(trace ?? '')
      return {
        key: `${name} ${id ?? ''} trace`,
        severity: state === 'FAILED' ? ('error' as const) : ('warning' as const),
        connector: name,
        task: id,
        code,
        cause: text === '' ? 'It failed without a reason.' : text,
        fix: state === 'FAILED' ? 'Correct the cause, then restart what failed.' : null,
        commands: [],
        since: null,
        remedy: remedyOf(state, code),
      }
    })
}

function ofCondition(line: string): Problem {
  const { code, text } = causeOf(line)
  const none = { connector: null, task: null, fix: null, commands: [], since: null, remedy: null }
  return { ...none, key: `worker ${code ?? line}`, severity: 'error', code, cause: text }
}

/** The first line of a trace without the names of exceptions: `PG_WAL_LEVEL: wal_level is "replica". …` has a code. */
export function causeOf(trace: string): { readonly code: string | null; readonly text: string } {
  const caused = trace.split('\n').findLast((line) => line.startsWith('Caused by: '))
  const first = trace.split('\n').find((line) => line.trim() !== '') ?? ''
  const tolerated = /Tolerance exceeded in error handler/.test(first) && caused !== undefined
  const line = (tolerated ? caused.slice('Caused by: '.length) : first).trim()
  const text = line.replace(/^(?:[\w$]+\.)*[A-Z]\w*(?:Error|Exception): /, '')
  const [, code = null, rest = text] = /^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+): ([^]*)$/.exec(text) ?? []
  return { code, text: rest }
}
