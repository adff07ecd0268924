import type { FindingEvidence, FindingSeverity } from '../../api/diagnosis/finding.ts'
import { troubleNamed } from '../catalogue/catalogue.ts'
import type { Trouble } from '../catalogue/trouble.ts'
import type { Finding } from '../finding.ts'
import type { ConnectorObservations } from '../observations.ts'

/** What a finding is of, and what its commands need. */
export interface FindingSubject extends Pick<ConnectorObservations, 'type' | 'restUrl'> {
  /** Null: the worker. */
  readonly connector: string | null
}

/** What a rule has found, besides what the catalogue says of its code. */
export interface FoundTrouble {
  readonly task?: number | null
  readonly cause: string
  readonly evidence?: FindingEvidence
  readonly since?: number | null
  readonly severity?: FindingSeverity
  /** Commands that do more for the cause than those of the catalogue. */
  readonly commands?: readonly string[]
  readonly fix?: string
}

/** SQL that a message tells an operator to run. */
const statement = /\b(?:ALTER|CREATE|DROP|GRANT|SELECT) [A-Za-z_][^;…]{3,400};/g

/** Returns the SQL in a message, each once and at most four. */
export function commandsIn(text: string): readonly string[] {
  return [...new Set(Array.from(text.matchAll(statement), ([sql]) => sql))].slice(0, 4)
}

/** Returns the finding of a code of the catalogue. */
export function findingOf(subject: FindingSubject, code: string, found: FoundTrouble): Finding {
  const trouble = troubleNamed(code, subject.type === 'source' ? 'source' : 'sink')
  const { task = null, evidence = {}, since = null, severity = trouble.severity, cause } = found
  return {
    code,
    severity,
    stage: trouble.stage ?? (subject.type === 'source' ? 'source' : 'sink'),
    task,
    since,
    cause,
    evidence,
    fix: found.fix ?? trouble.fix,
    commands: [...(found.commands ?? []), ...requestsOf(subject, trouble, task)],
  }
}

/** Returns the requests that carry out the fix. The shell takes them as they are. */
function requestsOf({ connector, restUrl }: FindingSubject, { requests = [] }: Trouble, task: number | null): string[] {
  const worker = restUrl.replace(/\/$/, '')
  const path = `${worker}/connectors/${encodeURIComponent(connector ?? '')}`
  return requests.flatMap((request) => {
    if (request === 'health') return `curl '${worker}/health'`
    if (connector === null) return []
    switch (request) {
      case 'restart':
        return task === null
          ? `curl -X POST '${path}/restart?includeTasks=true&onlyFailed=true'`
          : `curl -X POST '${path}/tasks/${task}/restart'`
      case 'resume':
        return `curl -X PUT '${path}/resume'`
      case 'errors':
        return `curl '${path}/errors'`
    }
  })
}
