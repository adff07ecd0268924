import type { DiagnosisFinding } from 'penstock/api'
import type { SlotState } from './slot-state.ts'

/** The name under which the connector itself reads a slot. */
const ownApplication = 'Penstock Streaming'
/** A slot that retains less holds nothing back. Bytes. */
const muchRetained = 16 * 1024 * 1024
/** A transaction this old is a finding even while there is little WAL. Seconds. */
const veryOldSeconds = 600
/** The part of max_slot_wal_keep_size beyond which the limit is near. */
const nearBudget = 0.7

/** Returns what keeps a slot from advancing, and how far it is from its end. */
export function slotFindings(slot: string, state: SlotState): readonly DiagnosisFinding[] {
  const { walStatus, reader } = state
  if (walStatus === 'lost') {
    const cause = `slot ${slot} is lost: Postgres has removed WAL that it needs (max_slot_wal_keep_size)`
    return [
      finding('PG_SLOT_LOST', 'error', cause, {
        evidence: evidenceOf(state),
        commands: [`SELECT pg_drop_replication_slot('${slot}');`],
      }),
    ]
  }
  const found: DiagnosisFinding[] = []
  if (reader !== null && reader.application !== ownApplication) {
    const cause = `slot ${slot} is read by pid ${reader.pid} (application "${reader.application}", user ${reader.user}), which is not this connector`
    found.push(
      finding('PG_SLOT_ACTIVE', 'error', cause, {
        evidence: { ...evidenceOf(state), pid: reader.pid, application: reader.application },
        commands: [terminate(reader.pid)],
      }),
    )
  }
  return [...found, ...heldBack(slot, state), ...nearItsEnd(slot, state)]
}

function heldBack(slot: string, state: SlotState): readonly DiagnosisFinding[] {
  const { holder, retained } = state
  if (holder === null || (retained < muchRetained && holder.seconds < veryOldSeconds)) return []
  const cause = `slot ${slot} is held back by pid ${holder.pid}, ${holder.state || 'in a transaction'} for ${durationText(holder.seconds)}; ${budgetText(state)}`
  const evidence = {
    ...evidenceOf(state),
    pid: holder.pid,
    user: holder.user,
    state: holder.state,
    transaction_seconds: holder.seconds,
  }
  return [finding('PG_SLOT_HELD_BACK', 'warning', cause, { evidence, commands: [terminate(holder.pid)] })]
}

function nearItsEnd(slot: string, state: SlotState): readonly DiagnosisFinding[] {
  const { budget, retained, walStatus, active } = state
  if (budget !== null && (walStatus === 'unreserved' || retained >= nearBudget * budget)) {
    const raised = Math.ceil((budget * 2) / 1024 / 1024)
    const cause = `slot ${slot} retains ${budgetText(state)}: beyond max_slot_wal_keep_size Postgres removes WAL, and the slot is lost`
    return [
      finding('PG_WAL_BUDGET', 'warning', cause, {
        evidence: evidenceOf(state),
        commands: [`ALTER SYSTEM SET max_slot_wal_keep_size = '${raised}MB';`, 'SELECT pg_reload_conf();'],
      }),
    ]
  }
  if (active || retained < muchRetained) return []
  const cause = `slot ${slot} retains ${sizeText(retained)} of WAL, and no connector reads it`
  return [finding('PG_SLOT_IDLE', 'warning', cause, { evidence: evidenceOf(state) })]
}

/** The worker adds what its catalogue says of the fix. */
export function finding(
  code: string,
  severity: DiagnosisFinding['severity'],
  cause: string,
  { evidence = {}, commands = [] }: Partial<Pick<DiagnosisFinding, 'evidence' | 'commands'>> = {},
): DiagnosisFinding {
  return { code, severity, stage: 'source', cause, evidence, fix: '', commands }
}

function terminate(pid: number): string {
  return `SELECT pg_terminate_backend(${pid});`
}

function evidenceOf(state: SlotState): DiagnosisFinding['evidence'] {
  const seconds = secondsLeft(state)
  return {
    slot_active: state.active,
    retained_bytes: Math.round(state.retained),
    ...(state.budget === null ? {} : { budget_bytes: state.budget }),
    ...(seconds === null ? {} : { seconds_left: seconds }),
  }
}

function secondsLeft({ budget, retained, walPerSecond }: SlotState): number | null {
  if (budget === null || walPerSecond === null || walPerSecond <= 0) return null
  return Math.max(0, Math.round((budget - retained) / walPerSecond))
}

/** `3.1 GB of 8.0 GB; full in 71 min` */
function budgetText(state: SlotState): string {
  const { budget, retained } = state
  if (budget === null) return `${sizeText(retained)} of WAL are retained, without limit`
  const seconds = secondsLeft(state)
  return `${sizeText(retained)} of ${sizeText(budget)}${seconds === null ? '' : `; full in ${durationText(seconds)}`}`
}

function sizeText(bytes: number): string {
  const megabytes = bytes / 1024 / 1024
  return megabytes >= 1024 ? `${(megabytes / 1024).toFixed(1)} GB` : `${Math.round(megabytes)} MB`
}

function durationText(seconds: number): string {
  return seconds >= 120 ? `${Math.round(seconds / 60)} min` : `${seconds} s`
}
