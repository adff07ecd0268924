import type { ConnectValue, PlainMap } from '../../api/schema.ts'
import type { ConnectorInfo } from '../../herder/entities/connector-info.ts'
import type { ConnectorStatus, InstanceStatus, TaskStatus } from '../../herder/entities/connector-status.ts'
import type { Herder } from '../../herder/herder.ts'
import type { RestContext, RestRequest, Route } from '../route.ts'

import { NotFoundError } from '../../api/errors.ts'
import { ForbiddenError } from '../../herder/herder-errors.ts'
import { historyStepMs } from './activity-history.ts'
import { taskActivities, type TaskActivity } from './task-activity.ts'
import { workerJson } from './worker-json.ts'

/** Of a trace: the dashboard asks for the whole one with the status of the connector. */
const maxTraceLength = 2000

/** What connectors do, as counts from which clients compute rates. */
export const activityRoutes: readonly Route[] = [
  {
    operationId: 'getActivity',
    method: 'GET',
    path: '/activity',
    needs: { role: 'read', of: 'asked connectors' },
    async handle(request, context) {
      const samples = context.worker.samples()
      const activities = taskActivities(samples)
      const shown = await Promise.all(
        (await namesFor(request, context)).map(async (name) => {
          const status = await statusOf(context.herder, name)
          return status === null ? [] : [[name, connectorJson(status, activities.get(name) ?? new Map())] as const]
        }),
      )
      return {
        status: 200,
        json: {
          time: context.now(),
          caller: callerJson(request),
          worker: workerJson(context, samples),
          connectors: Object.fromEntries(shown.flat()),
        },
      }
    },
  },
  {
    operationId: 'getActivityHistory',
    method: 'GET',
    path: '/activity/history',
    needs: { role: 'read', of: 'asked connectors' },
    async handle(request, context) {
      const entries = (await namesFor(request, context)).flatMap((name) => {
        const points = context.history.pointsOf(name)
        return points.length === 0
          ? []
          : [[name, points.map(({ time, read, written, lag }) => [time, read, written, lag])] as const]
      })
      return { status: 200, json: { step_ms: historyStepMs, connectors: Object.fromEntries(entries) } }
    },
  },
]

/** The connectors that the caller reaches. */
async function namesFor({ caller }: RestRequest, { herder }: RestContext): Promise<readonly string[]> {
  return (await herder.connectors()).filter((name) => caller.reaches(name))
}

interface Shown {
  readonly status: ConnectorStatus
  readonly info: ConnectorInfo
  readonly topics: readonly string[]
}

/** Null: it has no status yet, or was deleted meanwhile. */
async function statusOf(herder: Herder, name: string): Promise<Shown | null> {
  try {
    const [status, info] = [await herder.connectorStatus(name), await herder.connectorInfo(name)]
    return { status, info, topics: await topicsOf(herder, name) }
  } catch (error) {
    if (error instanceof NotFoundError) return null
    throw error
  }
}

/** Those that it has used; a sink has also the ones that its config names. None where workers do not track them. */
async function topicsOf(herder: Herder, name: string): Promise<readonly string[]> {
  try {
    return await herder.activeTopics(name)
  } catch (error) {
    if (error instanceof ForbiddenError) return []
    throw error
  }
}

function callerJson({ caller }: RestRequest): PlainMap {
  return { user: caller.user, role: caller.role, limited: caller.isLimited }
}

function connectorJson({ status, info, topics }: Shown, activities: ReadonlyMap<number, TaskActivity>): PlainMap {
  return {
    type: status.type,
    class: info.config['connector.class'] ?? '',
    ...instanceJson(status.connector),
    topics: topicNames(info, topics),
    dead_letter_topic: info.config['errors.deadletterqueue.topic.name'] ?? null,
    tasks: status.tasks.map((task) => taskJson(task, activities.get(task.id))),
  }
}

function topicNames({ type, config }: ConnectorInfo, used: readonly string[]): readonly string[] {
  const named = type === 'sink' ? (config['topics'] ?? '').split(',').map((topic) => topic.trim()) : []
  return [...new Set([...named.filter((topic) => topic !== ''), ...used])].toSorted()
}

function instanceJson({ state, workerId, trace }: InstanceStatus): Record<string, ConnectValue> {
  const text = trace === null || trace === '' ? null : trace.slice(0, maxTraceLength)
  return { state, worker_id: workerId, trace: text }
}

function taskJson(task: TaskStatus, activity: TaskActivity | undefined): PlainMap {
  return { id: task.id, ...instanceJson(task), activity: activity === undefined ? null : activityJson(activity) }
}

function activityJson(activity: TaskActivity): PlainMap {
  const { recordsRead, recordsWritten, bytes, errors, deadLetters, partitions, conditions } = activity
  return {
    records_read: recordsRead,
    records_written: recordsWritten,
    bytes,
    errors,
    dead_letters: deadLetters,
    lag: partitions.map(({ topic, partition, records }) => ({ topic, partition, records })),
    behind_seconds: activity.behindSeconds,
    wal_retained_bytes: activity.walRetainedBytes,
    wal_budget_bytes: activity.walBudgetBytes,
    snapshot:
      activity.snapshotRows === null
        ? null
        : { rows: activity.snapshotRows, expected_rows: activity.snapshotExpectedRows },
    conditions,
  }
}
