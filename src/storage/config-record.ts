import type { TargetState } from '../config/connector/target-state.ts'
import type { RawConfig } from '../api/config-def.ts'
import { DataError } from '../api/errors.ts'
import { isJsonObject, jsonKind, parseJson, type JsonObject, type JsonValue } from '../api/json/json-parse.ts'
import { plainJson, quoteJson } from '../api/json/json-text.ts'
import type { StateRecord } from './topic-writer.ts'

/** A record of the config topic. Null stands for a tombstone. */
export type ConfigRecord =
  | { readonly type: 'connector'; readonly connector: string; readonly config: RawConfig | null }
  | { readonly type: 'task'; readonly connector: string; readonly task: number; readonly config: RawConfig | null }
  | { readonly type: 'commit'; readonly connector: string; readonly tasks: number | null }
  | { readonly type: 'target-state'; readonly connector: string; readonly state: TargetState | null }
  | {
      readonly type: 'restart'
      readonly connector: string
      readonly onlyFailed: boolean
      readonly includeTasks: boolean
    }
  /** The number of tasks of an exactly-once source that run: those of earlier sets are fenced off (KIP-618). */
  | { readonly type: 'tasks-fencing'; readonly connector: string; readonly tasks: number | null }
  /** `key` is base64. */
  | {
      readonly type: 'session-key'
      readonly key: string
      readonly algorithm: string
      readonly creationTimestamp: number
    }
  | { readonly type: 'logger-level'; readonly logger: string; readonly level: string }

const prefixes = {
  targetState: 'target-state-',
  connector: 'connector-',
  task: 'task-',
  commit: 'commit-',
  restart: 'restart-connector-',
  tasksFencing: 'tasks-fencing-',
  logger: 'logger-cluster-',
} as const
const sessionKey = 'session-key'
const targetStates: ReadonlySet<string> = new Set<TargetState>(['STARTED', 'PAUSED', 'STOPPED'])

function properties(config: RawConfig | null): string | null {
  return config === null ? null : `{"properties":${plainJson(config)}}`
}

function count(key: string, value: number | null): string | null {
  return value === null ? null : `{"${key}":${value}}`
}

/** Workers of versions without STOPPED read only `state`: they pause a stopped connector. */
function targetState(state: TargetState | null): string | null {
  return state === null ? null : `{"state":"${state === 'STOPPED' ? 'PAUSED' : state}","state.v2":"${state}"}`
}

/** Returns key and value as Connect writes them: compact JSON, members in its order. */
export function encodeConfigRecord(record: ConfigRecord): StateRecord {
  switch (record.type) {
    case 'connector':
      return { key: prefixes.connector + record.connector, value: properties(record.config) }
    case 'task':
      return { key: `${prefixes.task}${record.connector}-${record.task}`, value: properties(record.config) }
    case 'commit':
      return { key: prefixes.commit + record.connector, value: count('tasks', record.tasks) }
    case 'target-state':
      return { key: prefixes.targetState + record.connector, value: targetState(record.state) }
    case 'restart': {
      const { includeTasks, onlyFailed } = record
      const value = `{"include-tasks":${includeTasks},"only-failed":${onlyFailed}}`
      return { key: prefixes.restart + record.connector, value }
    }
    case 'tasks-fencing':
      return { key: prefixes.tasksFencing + record.connector, value: count('task-count', record.tasks) }
    case 'session-key': {
      const { key, algorithm, creationTimestamp } = record
      const value = `{"key":${quoteJson(key)},"algorithm":${quoteJson(algorithm)},"creation-timestamp":${creationTimestamp}}`
      return { key: sessionKey, value }
    }
    case 'logger-level':
      return { key: prefixes.logger + record.logger, value: `{"level":${quoteJson(record.level)}}` }
  }
}

/**
 * Decodes a record of the config topic. Null: a tombstone without effect.
 * @throws DataError with the reason, but without values, which may be secrets (I8)
 */
export function decodeConfigRecord(key: string | null, value: string | null): ConfigRecord | null {
  if (key === null) throw new DataError('it has no key')
  const json = value === null ? null : parseObject(value)
  const after = (prefix: string): string => key.slice(prefix.length)
  if (key.startsWith(prefixes.targetState))
    return { type: 'target-state', connector: after(prefixes.targetState), state: stateOf(json) }
  if (key.startsWith(prefixes.connector))
    return { type: 'connector', connector: after(prefixes.connector), config: propertiesOf(json) }
  if (key.startsWith(prefixes.task))
    return { type: 'task', ...taskOf(after(prefixes.task)), config: propertiesOf(json) }
  if (key.startsWith(prefixes.commit))
    return { type: 'commit', connector: after(prefixes.commit), tasks: countOf(json, 'tasks') }
  if (key.startsWith(prefixes.restart)) return restartOf(after(prefixes.restart), json)
  if (key.startsWith(prefixes.tasksFencing))
    return { type: 'tasks-fencing', connector: after(prefixes.tasksFencing), tasks: countOf(json, 'task-count') }
  if (key === sessionKey) return sessionKeyOf(json)
  if (key.startsWith(prefixes.logger)) {
    if (json === null) return null
    return { type: 'logger-level', logger: after(prefixes.logger), level: textOf(json, 'level') }
  }
  throw new DataError('its key is none of those that Connect writes')
}

function parseObject(text: string): JsonObject {
  let json: JsonValue
  try {
    json = parseJson(text)
  } catch {
    throw new DataError('its value is not JSON')
  }
  if (!isJsonObject(json)) throw new DataError(`its value is ${jsonKind(json)}, not an object`)
  return json
}

function textOf(json: JsonObject, member: string): string {
  const text = json[member]
  if (typeof text !== 'string') throw new DataError(`member "${member}" is ${jsonKind(text)}, not a string`)
  return text
}

/** Connect's counts are 32-bit integers. */
const maxInt = 2_147_483_647

function countOf(json: JsonObject | null, member: string): number | null {
  if (json === null) return null
  const number = json[member]
  if (typeof number !== 'number' || !Number.isInteger(number) || number < 0 || number > maxInt)
    throw new DataError(`member "${member}" is not a count`)
  return number
}

function propertiesOf(json: JsonObject | null): RawConfig | null {
  if (json === null) return null
  const found = json['properties']
  if (!isJsonObject(found)) throw new DataError(`member "properties" is ${jsonKind(found)}, not an object`)
  for (const [name, value] of Object.entries(found))
    if (typeof value !== 'string') throw new DataError(`property "${name}" is ${jsonKind(value)}, not a string`)
  return found as RawConfig
}

function stateOf(json: JsonObject | null): TargetState | null {
  if (json === null) return null
  const state = typeof json['state.v2'] === 'string' ? json['state.v2'] : textOf(json, 'state')
  if (!targetStates.has(state)) throw new DataError(`"${state}" is not a target state`)
  return state as TargetState
}

/** The number of the task follows the last dash, as the name of the connector may contain dashes. */
function taskOf(rest: string): { readonly connector: string; readonly task: number } {
  const match = /^(.+)-(\d{1,9})$/s.exec(rest)
  if (match === null) throw new DataError('its key does not end with the number of a task')
  return { connector: match[1] ?? '', task: Number(match[2]) }
}

/** As in Connect, a flag that is missing or not a boolean is false. */
function restartOf(connector: string, json: JsonObject | null): ConfigRecord | null {
  if (json === null) return null
  const includeTasks = json['include-tasks'] === true
  const onlyFailed = json['only-failed'] === true
  return { type: 'restart', connector, onlyFailed, includeTasks }
}

function sessionKeyOf(json: JsonObject | null): ConfigRecord | null {
  if (json === null) return null
  const creationTimestamp = json['creation-timestamp']
  if (typeof creationTimestamp !== 'number') throw new DataError('member "creation-timestamp" is not a number')
  return { type: 'session-key', key: textOf(json, 'key'), algorithm: textOf(json, 'algorithm'), creationTimestamp }
}
