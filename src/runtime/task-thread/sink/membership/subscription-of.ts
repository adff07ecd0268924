import type { RawConfig } from '../../../../api/config-def.ts'
import { ConfigError } from '../../../../api/errors.ts'
import { javaRegExp } from '../../../../api/java/java-regex.ts'
import type { TopicSelection } from '../../../../client/consumer/subscription.ts'

/** What a sink connector reads: `topics`, or `topics.regex` in Java's syntax, matched against whole names. @throws ConfigError */
export function subscriptionOf(config: RawConfig): TopicSelection {
  const regex = config['topics.regex']?.trim() ?? ''
  if (regex !== '') return { pattern: javaRegExp(regex, { whole: true }) }
  const topics = (config['topics'] ?? '').split(',').map((topic) => topic.trim())
  const named = topics.filter((topic) => topic !== '')
  if (named.length === 0) throw new ConfigError('Must configure one of topics or topics.regex')
  return { topics: named }
}
