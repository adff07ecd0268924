import type { ConfigProblem } from '../../api/config-def.ts'
import type { SubmittedConfig } from '../definition/config-infos.ts'

import { javaRegExp } from '../../api/java/java-regex.ts'
import { parseValue } from '../definition/parse-value.ts'

/** What connector configs depend on of the worker. */
export interface WorkerGroup {
  /** The group of the workers, which no sink may use. */
  readonly groupId: string
  /** The schema registry of converters that name none. Absent: the worker serves none that they can use. */
  readonly registryUrl?: string
}

/** Returns the consumer group of a sink connector. */
export function sinkGroupId(connector: string, config: SubmittedConfig): string {
  return config['consumer.override.group.id'] ?? `connect-${connector}`
}

/** Checks Connect's rules across several keys of a sink connector. */
export function sinkProblems(config: SubmittedConfig, worker: WorkerGroup): readonly ConfigProblem[] {
  return [...topicProblems(config), ...groupProblems(config, worker)]
}

function topicProblems(config: SubmittedConfig): readonly ConfigProblem[] {
  const topics = isGiven(config['topics'])
  const regex = isGiven(config['topics.regex'])
  if (topics && regex) return onBoth('topics and topics.regex are mutually exclusive options, but both are set.')
  if (!topics && !regex) return onBoth('Must configure one of topics or topics.regex')
  return deadLetterProblems(config)
}

function onBoth(message: string): readonly ConfigProblem[] {
  return [
    { key: 'topics', message },
    { key: 'topics.regex', message },
  ]
}

function deadLetterProblems(config: SubmittedConfig): readonly ConfigProblem[] {
  const name = (config['errors.deadletterqueue.topic.name'] ?? '').trim()
  if (name === '') return []
  const topics = listOf(config['topics'])
  if (topics.includes(name)) {
    const message = `The DLQ topic '${name}' may not be included in the list of topics ('topics=[${topics.join(', ')}]') consumed by the connector`
    return [{ key: 'topics', message }]
  }
  const regex = (config['topics.regex'] ?? '').trim()
  if (regex === '' || !matches(regex, name)) return []
  const message = `The DLQ topic '${name}' may not be matched by the regex for the topics ('topics.regex=${regex}') consumed by the connector`
  return [{ key: 'topics.regex', message }]
}

function groupProblems(config: SubmittedConfig, worker: WorkerGroup): readonly ConfigProblem[] {
  const override = config['consumer.override.group.id'] ?? null
  const group = sinkGroupId(config['name'] ?? '', config)
  if (group !== worker.groupId) return []
  return [
    override === null
      ? {
          key: 'name',
          message: `Consumer group for sink connector named ${config['name']} conflicts with Connect worker group ${group}`,
        }
      : {
          key: 'consumer.override.group.id',
          message: `Consumer group ${group} conflicts with Connect worker group ${group}`,
        },
  ]
}

function isGiven(value: string | null | undefined): boolean {
  return value !== null && value !== undefined && value.trim() !== ''
}

function listOf(value: string | null | undefined): readonly string[] {
  const parsed = parseValue(value ?? '', 'LIST')
  return 'value' in parsed && Array.isArray(parsed.value) ? parsed.value.map(String) : []
}

/** Returns false for a malformed regex, which is an error of its own key. */
function matches(regex: string, topic: string): boolean {
  try {
    return javaRegExp(regex, { whole: true }).test(topic)
  } catch {
    return false
  }
}
