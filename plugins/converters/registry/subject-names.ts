import { DataError, type ParsedConfig } from 'penstock/api'

import { SubjectNameStrategy } from './registry-config-def.ts'

/** Returns the subject of a schema in a topic. `recordName` is the full name of its record; null if it is none. */
export type SubjectName = (topic: string, recordName: string | null) => string

/** Returns the strategy that a converter is configured with. */
export function subjectNameOf(config: ParsedConfig, isKey: boolean): SubjectName {
  const option = `${isKey ? 'key' : 'value'}.subject.name.strategy`
  switch (config[option]) {
    case SubjectNameStrategy.record:
      return (_topic, recordName) => recordName ?? noRecord(option)
    case SubjectNameStrategy.topicRecord:
      return (topic, recordName) => `${topic}-${recordName ?? noRecord(option)}`
    default:
      return (topic) => `${topic}-${isKey ? 'key' : 'value'}`
  }
}

function noRecord(option: string): never {
  throw new DataError(
    `the schema is not a record, so it has no name for a subject: with ${option} other than TopicNameStrategy, each has to be one`,
    { code: 'SUBJECT_UNKNOWN' },
  )
}
