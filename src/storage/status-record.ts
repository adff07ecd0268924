import { DataError } from '../api/errors.ts'
import { isJsonObject, parseJson, type JsonObject } from '../api/json/json-parse.ts'
import { quoteJson } from '../api/json/json-text.ts'
import type { StateRecord } from './topic-writer.ts'

/** What a connector or task does. STOPPED occurs for connectors only. */
export type RunState = 'UNASSIGNED' | 'RUNNING' | 'PAUSED' | 'FAILED' | 'RESTARTING' | 'STOPPED'

/** The status of a connector or task, as its worker reports it. */
export interface RunStatus {
  readonly state: RunState
  /** Why it failed or waits; null if neither. */
  readonly trace: string | null
  /** `host:port` of the worker. */
  readonly workerId: string
  /** The generation of the worker group in which it was reported. */
  readonly generation: number
}

/** A topic that a connector has used. */
export interface TopicUse {
  readonly topic: string
  readonly connector: string
  /** The task that used it first. */
  readonly task: number
  /** Milliseconds of the epoch. */
  readonly discoverTimestamp: number
}

/** A record of the status topic. Null stands for a tombstone. */
export type StatusRecord =
  | { readonly type: 'connector'; readonly connector: string; readonly status: RunStatus | null }
  | { readonly type: 'task'; readonly connector: string; readonly task: number; readonly status: RunStatus | null }
  | { readonly type: 'topic'; readonly topic: string; readonly connector: string; readonly use: TopicUse | null }

const prefixes = { connector: 'status-connector-', task: 'status-task-', topic: 'status-topic-' } as const
const topicSeparator = ':connector-'
const states: ReadonlySet<string> = new Set<RunState>([
  'UNASSIGNED',
  'RUNNING',
  'PAUSED',
  'FAILED',
  'RESTARTING',
  'STOPPED',
])

function statusText(status: RunStatus | null): string | null {
  if (status === null) return null
  const { state, trace, workerId, generation } = status
  const traceText = trace === null ? 'null' : quoteJson(trace)
  return `{"state":"${state}","trace":${traceText},"worker_id":${quoteJson(workerId)},"generation":${generation}}`
}

function useText(use: TopicUse | null): string | null {
  if (use === null) return null
  const { topic, connector, task, discoverTimestamp } = use
  const members = `"name":${quoteJson(topic)},"connector":${quoteJson(connector)},"task":${task}`
  return `{"topic":{${members},"discoverTimestamp":${discoverTimestamp}}}`
}

/** Key and value as Connect writes them: compact JSON, members in its order. */
export function encodeStatusRecord(record: StatusRecord): StateRecord & { readonly key: string } {
  switch (record.type) {
    case 'connector':
      return { key: prefixes.connector + record.connector, value: statusText(record.status) }
    case 'task':
      return { key: `${prefixes.task}${record.connector}-${record.task}`, value: statusText(record.status) }
    case 'topic': {
      const key = `${prefixes.topic}${record.topic}${topicSeparator}${record.connector}`
      return { key, value: useText(record.use) }
    }
  }
}

/** Reads a record of the status topic. @throws DataError saying what is wrong with it. */
export function decodeStatusRecord(key: string | null, value: string | null): StatusRecord {
  if (key === null) throw new DataError('it has no key')
  const json = value === null ? null : parse(value)
  if (key.startsWith(prefixes.connector))
    return { type: 'connector', connector: key.slice(prefixes.connector.length), status: statusOf(json) }
  if (key.startsWith(prefixes.task)) {
    const match = /^(.+)-(\d{1,9})$/s.exec(key.slice(prefixes.task.length))
    if (match === null) throw new DataError('its key does not end with the number of a task')
    return { type: 'task', connector: match[1] ?? '', task: Number(match[2]), status: statusOf(json) }
  }
  if (key.startsWith(prefixes.topic)) return topicRecord(key.slice(prefixes.topic.length), json)
  throw new DataError('its key is none of those that Connect writes')
}

/** Names of topics have no colon: the first separator ends them. */
function topicRecord(rest: string, json: JsonObject | null): StatusRecord {
  const end = rest.indexOf(topicSeparator)
  if (end <= 0) throw new DataError('its key does not name a topic and a connector')
  const topic = rest.slice(0, end)
  const connector = rest.slice(end + topicSeparator.length)
  if (json === null) return { type: 'topic', topic, connector, use: null }
  const found = json['topic']
  if (!isJsonObject(found)) throw new DataError('member "topic" is not an object')
  const { task, discoverTimestamp } = found
  if (typeof task !== 'number' || typeof discoverTimestamp !== 'number')
    throw new DataError('members "task" and "discoverTimestamp" are not numbers')
  return { type: 'topic', topic, connector, use: { topic, connector, task, discoverTimestamp } }
}

function statusOf(json: JsonObject | null): RunStatus | null {
  if (json === null) return null
  const { state, trace = null, worker_id: workerId, generation } = json
  if (typeof state !== 'string' || !states.has(state)) throw new DataError(`"${String(state)}" is not a state`)
  if (typeof workerId !== 'string') throw new DataError('member "worker_id" is not a string')
  if (typeof generation !== 'number' || (generation | 0) !== generation)
    throw new DataError('member "generation" is not a 32-bit integer')
  if (trace !== null && typeof trace !== 'string') throw new DataError('member "trace" is not a string')
  return { state: state as RunState, trace, workerId, generation }
}

function parse(text: string): JsonObject {
  try {
    const json = parseJson(text)
    if (isJsonObject(json)) return json
  } catch {
    throw new DataError('its value is not JSON')
  }
  throw new DataError('its value is not an object')
}
