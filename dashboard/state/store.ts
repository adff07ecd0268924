import type { Activity, ActivityHistory, Role } from '../model/activity.ts'
import type { Point } from '../model/history.ts'
import type { Finding } from '../model/problems.ts'

import { computed, signal } from '@preact/signals'
import { hasRole } from '../model/activity.ts'
import { byUrgency, connectorView, pointOf, shownState } from '../model/connector-view.ts'
import { appended, joined } from '../model/history.ts'
import { pipelinesOf } from '../model/pipelines.ts'
import { problemsOf } from '../model/problems.ts'
import { placeOf } from '../model/route.ts'
import { ApiError, call } from './api.ts'
import { poll, type Poll } from './poll.ts'

/** Whether the worker responds. */
export interface Connection {
  readonly state: 'connecting' | 'live' | 'lost' | 'refused'
  /** Why it is not live. */
  readonly message: string | null
}

export const place = signal(placeOf(location.hash))
export const activity = signal<Activity | null>(null)
export const connection = signal<Connection>({ state: 'connecting', message: null })
const histories = signal<ReadonlyMap<string, readonly Point[]>>(new Map())
const findings = signal<readonly Finding[]>([])

/** CPU of the worker in cores; null until there are two samples. */
export const cpu = signal<number | null>(null)

/** All connectors, failed first. */
export const views = computed(() =>
  Object.entries(activity.value?.connectors ?? {})
    .map(([name, entry]) => connectorView(name, entry, histories.value.get(name) ?? []))
    .toSorted(byUrgency),
)
export const pipelines = computed(() => pipelinesOf(views.value))
export const problems = computed(() =>
  activity.value === null ? [] : problemsOf(activity.value, views.value, findings.value),
)

/** Whether the caller's role allows it: buttons for what it does not allow are not shown. */
export function may(role: Role): boolean {
  const caller = activity.value?.caller
  return caller !== undefined && hasRole(caller.role, role)
}

async function readActivity(abort: AbortSignal): Promise<void> {
  try {
    const read = await call<Activity>('GET', '/activity', { signal: abort })
    const before = activity.value
    const next = new Map<string, readonly Point[]>()
    for (const [name, entry] of Object.entries(read.connectors)) {
      const point = pointOf(read.time, entry)
      const points = histories.value.get(name) ?? []
      next.set(name, point === null ? points : appended(points, point))
    }
    cpu.value = coresOf(before, read)
    histories.value = next
    activity.value = read
    connection.value = { state: 'live', message: null }
    if (before !== null && statesOf(before) !== statesOf(read)) diagnosing?.now()
  } catch (error) {
    if (abort.aborted) return
    const isRefused = error instanceof ApiError && (error.status === 401 || error.status === 403)
    connection.value = { state: isRefused ? 'refused' : 'lost', message: messageOf(error) }
  }
}

function coresOf(before: Activity | null, after: Activity): number | null {
  const [from, to] = [before?.worker.cpu_seconds ?? null, after.worker.cpu_seconds]
  if (before === null || from === null || to === null || to < from || after.time <= before.time) return cpu.value
  return ((to - from) * 1000) / (after.time - before.time)
}

/** The past that the worker remembers, once. Without it the page shows what it sees itself. */
async function readHistory(): Promise<void> {
  const past = await call<ActivityHistory>('GET', '/activity/history').catch(() => null)
  if (past === null) return
  const next = new Map(histories.value)
  for (const [name, tuples] of Object.entries(past.connectors)) {
    const points = tuples.map(([time, read, written, lag]) => ({ time, read, written, lag }))
    next.set(name, joined(points, next.get(name) ?? []))
  }
  histories.value = next
}

/** A worker without a diagnosis has no findings: states and traces speak. */
async function readFindings(abort: AbortSignal): Promise<void> {
  try {
    const read = await call<{ readonly findings: readonly Finding[] }>('GET', '/diagnosis', { signal: abort })
    findings.value = read.findings
  } catch {
    findings.value = []
  }
}

/** A diagnosis asks the servers of connectors. */
const findingsIntervalMs = 15_000

/** Begins to follow the worker. Returns what reads its activity immediately. */
export function follow(): void {
  window.addEventListener('hashchange', () => {
    place.value = placeOf(location.hash)
  })
  following = poll(readActivity)
  diagnosing = poll(readFindings, findingsIntervalMs)
  void readHistory()
}

let following: Poll | null = null
let diagnosing: Poll | null = null

/** A finding is of little use when what it found has changed. */
function statesOf({ connectors }: Activity): string {
  return Object.entries(connectors)
    .map(([name, entry]) => `${name} ${shownState(entry)}`)
    .join()
}

/** Reads the activity now, as after a command. */
export function refresh(): void {
  following?.now()
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
