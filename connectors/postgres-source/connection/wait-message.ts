import type { WaitState, Blocker, BlockingPrepared, BlockingSession } from './find-blockers.ts'

/** Blockers that the message names; the others are counted. */
const namedBlockers = 3
/** A condition has at most 1000 characters, and the commands must stay complete. */
const maxNames = 700
/** A longer gid, with all its escapes, must be looked up by the user. */
const maxGid = 450
/** Limit of a name that another user chose. */
const maxName = 40

/** The purpose of a query, as the start of a message: `locking public.t for the snapshot`; or the slot that it creates. */
export type QueryPurpose = { readonly what: string } | { readonly slot: string }

/** The condition of a waiting query; null when nothing blocks it. */
export function waitMessage(purpose: QueryPurpose, blocked: WaitState): string | null {
  const { blockers, lockOn, standby, event } = blocked
  if ('slot' in purpose) return slotText(purpose.slot, blocked)
  if (blockers.length > 0) {
    const on = lockedText(lockOn)
    const note = standby ? ' (this server is a standby)' : ''
    return `${purpose.what} waits for ${on}${note}. Blocked by: ${blockerList(blockers)}${hiddenText(blocked)}`
  }
  if (event === 'SyncRep') {
    return (
      `${purpose.what} waits until a synchronous standby has confirmed it (synchronous_standby_names). Start the standby, or run: ` +
      `ALTER SYSTEM SET synchronous_standby_names = ''; SELECT pg_reload_conf();`
    )
  }
  return null
}

/** A row or a catalog entry is locked by the transaction that wrote it. */
function lockedText(lockOn: string | null): string {
  if (lockOn === 'transactionid') return 'the end of another transaction'
  return lockOn === null ? 'a lock' : `a lock on ${shown(lockOn, maxName * 2)}`
}

function slotText(slot: string, blocked: WaitState): string {
  const nothing = 'nothing is captured until then'
  if (blocked.standby) {
    return (
      `the creation of replication slot "${slot}" on a standby waits until the primary logs its open transactions, and for those to end: ` +
      `${nothing}. On the primary run SELECT pg_log_standby_snapshot(); (Postgres 16), and to see its open transactions: SELECT pid, ` +
      'xact_start, state FROM pg_stat_activity WHERE backend_xid IS NOT NULL ORDER BY xact_start; SELECT * FROM pg_prepared_xacts;'
    )
  }
  const waits = `the creation of replication slot "${slot}" waits for transactions that were open before it: ${nothing}.`
  if (blocked.blockers.length === 0) return `${waits} At the last check none of them was open.`
  return `${waits} Blocked by: ${blockerList(blocked.blockers)}${hiddenText(blocked)}`
}

/** The condition of a waiting query whose blockers could not be read. */
export function unknownWaitMessage(purpose: QueryPurpose, reason: string): string {
  const what = 'slot' in purpose ? `creating replication slot "${purpose.slot}"` : purpose.what
  const short = reason.length > 300 ? `${reason.slice(0, 300)}…` : reason
  return (
    `${what} takes long, and what blocks it could not be read from Postgres (${short}). To see what blocks it, run: SELECT pid, usename, ` +
    'application_name, datname, state, xact_start, pg_blocking_pids(pid) FROM pg_stat_activity WHERE backend_xid IS NOT NULL OR ' +
    'cardinality(pg_blocking_pids(pid)) > 0 ORDER BY xact_start; SELECT * FROM pg_prepared_xacts;'
  )
}

/** Lists the blockers with the commands that end them, as many as fit. */
export function blockerList(blockers: readonly Blocker[]): string {
  const named: string[] = []
  let length = 0
  for (const blocker of blockers.slice(0, namedBlockers)) {
    const text = blocker.kind === 'session' ? sessionText(blocker) : preparedText(blocker)
    if (named.length > 0 && length + text.length > maxNames) break
    named.push(text)
    length += text.length
  }
  const more = blockers.length - named.length
  return `${named.join(' ')}${more === 0 ? '' : ` And ${more} more.`}`
}

function sessionText(session: BlockingSession): string {
  const { pid, user, application, database, state, backend, since, waitsFor } = session
  const parts = [
    ...(user === null ? [] : [`user ${shown(user)}`]),
    ...(application === '' ? [] : [`application ${shown(application)}`]),
    ...(database === null ? [] : [`database ${shown(database)}`]),
    ...(backend === null || backend === 'client backend' ? [] : [backend]),
    ...(state === null ? [] : [state]),
    ...(since === null ? [] : [`since ${since}`]),
    ...(waitsFor.length === 0 ? [] : [`itself waiting for ${waitsFor.slice(0, 3).map(waitedFor).join(', ')}`]),
  ]
  // The startup process of a standby holds the locks of transactions of the primary, and releases them as it replays WAL.
  const end =
    backend === 'startup'
      ? 'it holds the lock of a transaction of the primary, which must end there.'
      : `run SELECT pg_terminate_backend(${pid});`
  return `pid ${pid} (${parts.join(', ')}): ${end}`
}

function waitedFor(pid: number): string {
  return pid === 0 ? 'a prepared transaction' : `pid ${pid}`
}

function preparedText({ gid, owner, database, since }: BlockingPrepared): string {
  const name = literal(gid)
  const end = name.length > maxGid ? 'with the gid from SELECT gid, prepared FROM pg_prepared_xacts;' : `${name};`
  return (
    `prepared transaction (owner ${shown(owner)}, since ${since}): in database ${shown(database)} run ` +
    `ROLLBACK PREPARED ${end}`
  )
}

/** Only members of pg_read_all_stats see the state of other users' sessions. */
function hiddenText({ blockers, user }: WaitState): string {
  const isHidden = blockers.some((other) => other.kind === 'session' && other.state === null && other.since === null)
  if (!isHidden) return ''
  return ` To see their states and times: GRANT pg_read_all_stats TO "${user.replaceAll('"', '""')}";`
}

/** Control characters, characters that change the text direction or have no width, and the backslash. */
const unsafe = /[\p{C}\p{Zl}\p{Zp}\\]/gu

/** A name that another user chose: quoted, on one line, and shortened. */
function shown(name: string, max = maxName): string {
  const text = name.slice(0, max).replace(unsafe, (character) => (character === '\\' ? '\\\\' : escaped(character)))
  return `"${text.replaceAll('"', '\\"')}${name.length > max ? '…' : ''}"`
}

/** A literal that Postgres reads as exactly this text, on one line. */
function literal(text: string): string {
  const plain = text.replaceAll("'", "''")
  if (text.search(unsafe) === -1) return `'${plain}'`
  return `E'${plain.replace(unsafe, (character) => (character === '\\' ? '\\\\' : escaped(character)))}'`
}

/** An escape that JSON and Postgres' E'' strings both understand. */
function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
}
