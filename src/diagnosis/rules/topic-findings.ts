import type { Finding } from '../finding.ts'
import type { ConnectorObservations } from '../observations.ts'
import { findingOf } from './make-finding.ts'

/** After its start, a sink looks up its topics first. Seconds. */
const lookUpSeconds = 4

/** A sink whose topics do not exist, or whose pattern matches none. */
export function topicFindings(observed: ConnectorObservations): readonly Finding[] {
  const { type, target, backlog, config, connector, tasks } = observed
  if (type !== 'sink' || target !== 'STARTED' || backlog === null) return []
  const pattern = config['topics.regex']
  const { missingTopics } = backlog
  if (missingTopics.length > 0)
    return [
      findingOf(observed, 'TOPIC_MISSING', {
        severity: missingTopics.length < listOf(config['topics']).length ? 'warning' : 'error',
        cause: `connector ${connector} reads ${missingTopics.join(', ')}, which ${missingTopics.length === 1 ? 'does' : 'do'} not exist`,
        evidence: { missing_topics: missingTopics.join(', ') },
      }),
    ]
  const flows = tasks.flatMap(({ flow }) => flow ?? [])
  const isIdle =
    flows.length > 0 && flows.every(({ withoutPartitionsSeconds }) => withoutPartitionsSeconds >= lookUpSeconds)
  if (pattern === undefined || !isIdle || backlog.records > 0) return []
  return [
    findingOf(observed, 'TOPIC_MISSING', {
      cause: `topics.regex of connector ${connector} matches no topic: ${pattern}`,
      evidence: { 'topics.regex': pattern },
    }),
  ]
}

function listOf(topics: string | undefined): readonly string[] {
  return (topics ?? '').split(',').filter((topic) => topic.trim() !== '')
}
