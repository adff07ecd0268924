import { ConnectError, type DiagnosisContext, type DiagnosisFinding } from 'penstock/api'
import { settingsOf, type SourceSettings } from '../config/source-settings.ts'
import { PgConnection } from '../connection/pg-connection.ts'
import type { Finding } from '../preflight/finding.ts'
import { runPreflight, type PreflightResult } from '../preflight/run-preflight.ts'
import { finding, slotFindings } from './slot-findings.ts'
import { readSlotState } from './slot-state.ts'

/** Limits of the look at the server: it waits for no lock of others. Milliseconds. */
const connectMs = 3000
const queryMs = 3000
const lockMs = 500

/** Looks at the slot, the WAL, the publication, the tables and the privileges. Changes nothing. */
export async function diagnosePostgres({
  config,
  raw,
  clock,
  signal,
}: DiagnosisContext): Promise<readonly DiagnosisFinding[]> {
  const settings = briefSettings(settingsOf(config, raw))
  let sql: PgConnection | null = null
  const onAbort = (): void => void sql?.close()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    sql = await PgConnection.connect(settings.connection, 'sql', clock)
    sql.purpose = 'diagnosis'
    const preflight = await runPreflight(sql, settings)
    const state = await readSlotState(sql, settings.slot, preflight.serverVersion)
    return [...(state === null ? [] : slotFindings(settings.slot, state)), ...preflightFindings(preflight, settings)]
  } catch (error) {
    if (!(error instanceof ConnectError) || error.code === null) throw error
    return [finding(error.code, 'error', withoutCode(error.message, error.code))]
  } finally {
    signal.removeEventListener('abort', onAbort)
    await sql?.close()
  }
}

function briefSettings(settings: SourceSettings): SourceSettings {
  const { connection, lockTimeoutMs } = settings
  return {
    ...settings,
    lockTimeoutMs: Math.min(lockTimeoutMs, lockMs),
    connection: {
      ...connection,
      connectTimeoutMs: Math.min(connection.connectTimeoutMs, connectMs),
      queryTimeoutMs: queryMs,
    },
  }
}

function preflightFindings(preflight: PreflightResult, settings: SourceSettings): readonly DiagnosisFinding[] {
  const { problems, warnings } = preflight
  return [
    ...droppedPublication(preflight, settings),
    ...problems.map((problem) => finding(problem.code, severityOf(problem), problem.message)),
    ...warnings.flatMap((warning) => {
      const code = /^[A-Z_]+/.exec(warning)?.[0] ?? ''
      // Without a key, rows flow all the same, and an operator may want it so.
      return code === 'PG_REPLICA_IDENTITY' ? [finding(code, 'warning', withoutCode(warning, code))] : []
    }),
  ]
}

/** A slot without the publication that its stream began with: a task that starts creates it, and what was written meanwhile is not sent. */
function droppedPublication(
  { publication, slot, plan }: PreflightResult,
  settings: SourceSettings,
): readonly DiagnosisFinding[] {
  if (publication !== null || slot === null || settings.publicationMode === 'disabled') return []
  const cause = `publication "${settings.publication}" does not exist, although slot ${settings.slot} does: changes are not sent until it is created again`
  return [
    finding('PG_PUBLICATION', 'error', cause, {
      evidence: { slot: settings.slot },
      commands: plan.statement === null ? [] : [`${plan.statement};`],
    }),
  ]
}

/** What stops a session stops the connector at its next start, and rows that are not sent are lost. */
function severityOf({ code, stops }: Finding): DiagnosisFinding['severity'] {
  if (code === 'PG_REPLICA_IDENTITY') return 'warning'
  if (code === 'PG_NOT_PUBLISHED') return 'error'
  return stops === undefined || stops === 'start' ? 'error' : 'warning'
}

function withoutCode(message: string, code: string): string {
  return message.startsWith(`${code}: `) ? message.slice(code.length + 2) : message
}
