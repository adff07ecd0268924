import type { PlainMap } from '../../api/schema.ts'
import type { Finding } from '../../diagnosis/finding.ts'
import type { TaskFlow } from '../../diagnosis/flow/task-flow.ts'
import type { ConnectorDiagnosis, DiagnosedTask, WorkerDiagnosis } from '../../herder/entities/connector-diagnosis.ts'

/** The names of the measurements of a task in JSON. */
const flowNames = {
  observed_seconds: 'seconds',
  records_per_second: 'recordsPerSecond',
  idle_seconds: 'idleSeconds',
  stalled_seconds: 'stalledSeconds',
  lag_records: 'lagRecords',
  lag_records_per_second: 'lagPerSecond',
  uncommitted_records: 'uncommittedRecords',
  partitions: 'partitions',
  without_partitions_seconds: 'withoutPartitionsSeconds',
  put_share: 'putShare',
  rebalances: 'rebalances',
  behind_seconds: 'behindSeconds',
  retained_bytes: 'retainedBytes',
} as const satisfies Readonly<Record<string, keyof TaskFlow>>

export function diagnosisJson(diagnosis: ConnectorDiagnosis): PlainMap {
  const { connector, type, checkedAt, verdict, findings } = diagnosis
  return {
    connector,
    type,
    checked_at: timeJson(checkedAt),
    verdict,
    findings: findings.map(findingJson),
    flow: flowJson(diagnosis),
  }
}

export function workerDiagnosisJson({ checkedAt, findings }: WorkerDiagnosis): PlainMap {
  return {
    checked_at: timeJson(checkedAt),
    findings: findings.map(({ connector, finding }) => Object.assign({ connector }, findingJson(finding))),
  }
}

/** Returns the tasks of a diagnosis of another worker; none of a text that is not one. */
export function tasksOf(text: string): readonly DiagnosedTask[] {
  const body = parsed(text) as {
    readonly flow?: { readonly tasks?: readonly Readonly<Record<string, unknown>>[] }
  } | null
  return (body?.flow?.tasks ?? []).map((task) => ({
    id: Number(task['task']),
    state: String(task['state']) as DiagnosedTask['state'],
    workerId: String(task['worker_id']),
    restarts: numberOf(task['restarts']),
    flow: flowOf(task['flow'] as Readonly<Record<string, unknown>> | null | undefined),
  }))
}

function findingJson(finding: Finding): PlainMap {
  const { code, severity, stage, task, since, cause, evidence, fix, commands } = finding
  return {
    code,
    severity,
    stage,
    task,
    since: since === null ? null : timeJson(since),
    cause,
    evidence: { ...evidence },
    fix,
    commands,
  }
}

/** The totals, and the tasks; what binds is the first finding that is more than an information. */
function flowJson({ type, tasks, backlogRecords, findings }: ConnectorDiagnosis): PlainMap {
  const flows = tasks.flatMap(({ flow }) => flow ?? [])
  const binding = findings.find(({ severity }) => severity !== 'info')
  const lags = flows.flatMap(({ lagRecords }) => lagRecords ?? [])
  const behind = flows.flatMap(({ behindSeconds }) => behindSeconds ?? [])
  const retained = flows.flatMap(({ retainedBytes }) => retainedBytes ?? [])
  return {
    binds: binding?.stage ?? null,
    records_per_second: round(flows.reduce((sum, { recordsPerSecond }) => sum + recordsPerSecond, 0)),
    lag_records: type === 'sink' ? (backlogRecords ?? (lags.length === 0 ? null : total(lags))) : null,
    behind_seconds: behind.length === 0 ? null : Math.max(...behind),
    retained_bytes: retained.length === 0 ? null : total(retained),
    tasks: tasks.map(({ id, state, workerId, restarts, flow }) => ({
      task: id,
      state,
      worker_id: workerId,
      restarts,
      flow: flow === null ? null : measured(flow),
    })),
  }
}

function measured(flow: TaskFlow): PlainMap {
  return Object.fromEntries(
    Object.entries(flowNames).map(([name, key]) => {
      const value = flow[key]
      return [name, value === null ? null : round(value)]
    }),
  )
}

function flowOf(json: Readonly<Record<string, unknown>> | null | undefined): TaskFlow | null {
  if (json === null || json === undefined) return null
  const values = Object.entries(flowNames).map(([name, key]) => [key, numberOf(json[name])])
  return Object.fromEntries(values)
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0)
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}

function timeJson(ms: number): string {
  return new Date(ms).toISOString()
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
