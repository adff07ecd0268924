import type { PgConnection } from './pg-connection.ts'

/** A session or prepared transaction that blocks a query. Times as Postgres prints them, in UTC. */
export type Blocker = BlockingSession | BlockingPrepared

/** A server session. Fields of another user's session are null without the privilege to see them. */
export interface BlockingSession {
  readonly kind: 'session'
  readonly pid: number
  readonly user: string | null
  readonly application: string
  readonly database: string | null
  /** pg_stat_activity.state: active, idle in transaction, … */
  readonly state: string | null
  /** pg_stat_activity.backend_type: client backend, autovacuum worker, startup, … */
  readonly backend: string | null
  /** Start of its transaction. */
  readonly since: string | null
  /** Sessions that block it in turn; 0 stands for prepared transactions. */
  readonly waitsFor: readonly number[]
}

/** A prepared transaction; it belongs to no session. */
export interface BlockingPrepared {
  readonly kind: 'prepared'
  readonly gid: string
  readonly owner: string
  readonly database: string
  readonly since: string
}

/** The state of a waiting query. */
export interface WaitState {
  readonly standby: boolean
  /** The user of the probing connection. */
  readonly user: string
  /** pg_stat_activity.wait_event of the query. */
  readonly event: string | null
  /** The locked table, or the type of the lock. */
  readonly lockOn: string | null
  /** Those that wait for nothing first, then the oldest. */
  readonly blockers: readonly Blocker[]
}

/** A waiting query. */
export interface WaitingQuery {
  readonly pid: number
  /** Whether it creates a slot, and so waits for transactions; any other query waits for locks. */
  readonly createsSlot: boolean
  /** The xids that were open at the first probe of a slot's creation: transactions that start later do not block it. */
  candidates: ReadonlySet<string> | null
}

interface Edge {
  readonly waiter: number
  readonly pid: number
}

const waiterSql = `
select pg_is_in_recovery() as standby, current_user::text as user,
  (select wait_event from pg_stat_activity where pid = $1) as event,
  (select coalesce(n.nspname || '.' || c.relname, l.locktype) from pg_locks l
     left join pg_class c on c.oid = l.relation and l.database in (0, (select oid from pg_database where datname = current_database()))
     left join pg_namespace n on n.oid = c.relnamespace
   where l.pid = $1 and not l.granted limit 1) as lock_on`

/** Edges of the wait graph from the query on: a third session may be at its end. A lock queue can be long. */
const maxEdges = 500
const edgesSql = `
with recursive edges (waiter, pid) as (
  select $1::int, b.pid from unnest(pg_blocking_pids($1)) as b (pid)
  union
  select e.pid, b.pid from edges e, unnest(pg_blocking_pids(e.pid)) as b (pid) where e.pid <> 0
)
select waiter, pid from edges limit ${maxEdges}`

const utc = (column: string): string => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'`

// Without a privilege, another user's xid is visible, but not the start of its transaction.
const sessionsSql = `
select pid, usename::text as user, application_name as application, datname::text as database, state,
  backend_type as backend, backend_xid::text as xid, ${utc('xact_start')} as since
from pg_stat_activity where pid = any($1) or ($2 and backend_xid is not null and pid <> $3)
order by xact_start nulls last, age(backend_xid) desc nulls last, pid`

/** The modes that each lock mode of a table conflicts with. Locks of other kinds use the same modes. */
const conflictsSql = `case w.mode
  when 'AccessShareLock' then h.mode = 'AccessExclusiveLock'
  when 'RowShareLock' then h.mode in ('ExclusiveLock', 'AccessExclusiveLock')
  when 'RowExclusiveLock' then h.mode not in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock')
  when 'ShareUpdateExclusiveLock' then h.mode not in ('AccessShareLock', 'RowShareLock', 'RowExclusiveLock')
  when 'ShareLock' then h.mode not in ('AccessShareLock', 'RowShareLock', 'ShareLock')
  when 'ShareRowExclusiveLock' then h.mode not in ('AccessShareLock', 'RowShareLock')
  when 'ExclusiveLock' then h.mode <> 'AccessShareLock'
  else true end`

// pg_blocking_pids reports a prepared transaction as 0. Each holds the lock on its xid. virtualtransaction, which the
// manual suggests for the join, is -1/xid only on some versions and after a restart.
const preparedSql = `
with locks as (select * from pg_locks)
select p.transaction::text as xid, p.gid, p.owner::text as owner, p.database::text as database, ${utc('p.prepared')} as since,
  exists (
    select from locks w join locks h on h.granted and h.pid is null and h.locktype = w.locktype
      and (h.database, h.relation, h.page, h.tuple, h.virtualxid, h.transactionid, h.classid, h.objid, h.objsubid)
        is not distinct from (w.database, w.relation, w.page, w.tuple, w.virtualxid, w.transactionid, w.classid, w.objid, w.objsubid)
      and ${conflictsSql}
      join locks x on x.granted and x.pid is null and x.virtualtransaction = h.virtualtransaction and x.transactionid = p.transaction
    where w.pid = any($1) and not w.granted) as blocks
from pg_prepared_xacts p where $2 or cardinality($1) > 0 order by p.prepared, p.gid`

interface SessionRow extends Omit<BlockingSession, 'kind' | 'waitsFor'> {
  readonly xid: string | null
}
interface PreparedRow extends Omit<BlockingPrepared, 'kind'> {
  readonly xid: string
  readonly blocks: boolean
}

/** Finds what blocks a query. The first probe of a slot's creation reports all open transactions. */
export async function findBlockers(probe: PgConnection, waiter: WaitingQuery): Promise<WaitState> {
  const { pid } = waiter
  const [seen] = await probe.query<{ standby: boolean; user: string; event: string | null; lock_on: string | null }>(
    waiterSql,
    [pid],
  )
  const edges = await probe.query<Edge>(edgesSql, [pid])
  const standby = seen?.standby ?? false
  // Transactions of the primary are not sessions of the standby.
  const blockers = await describe(probe, edges, waiter.createsSlot && !standby ? waiter : null)
  return {
    standby,
    user: seen?.user ?? '',
    event: seen?.event ?? null,
    lockOn: seen?.lock_on ?? null,
    blockers,
  }
}

/** Finds the session that reads a slot, and what blocks that session; empty when no session reads the slot. */
export async function findSlotReader(probe: PgConnection, slot: string): Promise<readonly Blocker[]> {
  const [row] = await probe.query<{ pid: number | null }>(
    'select active_pid as pid from pg_replication_slots where slot_name = $1',
    [slot],
  )
  if (row === undefined || row.pid === null) return []
  const edges = await probe.query<Edge>(edgesSql, [row.pid])
  return await describe(probe, [{ waiter: 0, pid: row.pid }, ...edges], null)
}

async function describe(
  probe: PgConnection,
  edges: readonly Edge[],
  slot: WaitingQuery | null,
): Promise<readonly Blocker[]> {
  if (edges.length === 0 && slot === null) return []
  const blocking = new Set(edges.map((edge) => edge.pid))
  const sessions = await probe.query<SessionRow>(sessionsSql, [[...blocking], slot !== null, slot?.pid ?? 0])
  const behindPrepared = edges.filter((edge) => edge.pid === 0).map((edge) => edge.waiter)
  const prepared = await probe.query<PreparedRow>(preparedSql, [behindPrepared, slot !== null])
  const open = [...sessions, ...prepared].flatMap(({ xid }) => xid ?? [])
  if (slot !== null) slot.candidates ??= new Set(open)
  const isCandidate = (xid: string | null): boolean => xid !== null && slot?.candidates?.has(xid) === true
  return [
    ...prepared
      .filter(({ blocks, xid }) => blocks || isCandidate(xid))
      .map(({ gid, owner, database, since }) => ({ kind: 'prepared' as const, gid, owner, database, since })),
    ...sessions
      .filter(({ pid, xid }) => blocking.has(pid) || isCandidate(xid))
      .map(({ pid, user, application, database, state, backend, since }) => {
        const waitsFor = edges.filter((edge) => edge.waiter === pid).map((edge) => edge.pid)
        return { kind: 'session' as const, pid, user, application, database, state, backend, since, waitsFor }
      }),
  ].toSorted(byOrder)
}

function byOrder(a: Blocker, b: Blocker): number {
  const waits = (other: Blocker): number => (other.kind === 'session' && other.waitsFor.length > 0 ? 1 : 0)
  if (waits(a) !== waits(b)) return waits(a) - waits(b)
  // Sessions with a hidden start come last, in the order of the query.
  const [first, second] = [a.since ?? '~', b.since ?? '~']
  return first < second ? -1 : Number(first > second)
}
