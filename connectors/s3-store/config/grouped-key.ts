import type { ConfigKey } from 'penstock/api'

type Extra = Omit<ConfigKey, 'type' | 'doc' | 'group'>

function inGroup(group: string) {
  return (type: ConfigKey['type'], doc: string, extra: Extra): ConfigKey => ({ type, doc, group, ...extra })
}

/** Options of a group of Confluent's S3 sink. */
export const connector = inGroup('Connector')
export const s3 = inGroup('S3')
export const storage = inGroup('Storage')
