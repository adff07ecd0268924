import { rejection } from '../client/requests.ts'
import type { Targets } from './targets.ts'

/** Plain indices. The name may be that of an alias. */
export const indexTargets: Targets = {
  async create(index, created, request) {
    const response = await request((client, options) => client.indices.create({ index, ...created }, options))
    if (response.status < 300) return true
    if (response.body.includes('resource_already_exists_exception')) return false
    // The name of an alias is rejected as an index name. HEAD finds the alias.
    const mayBeThere = response.body.includes('invalid_index_name_exception') || response.status === 403
    const head = mayBeThere ? await request((client, options) => client.indices.exists({ index }, options)) : null
    if (head?.status !== 200) throw rejection(`index '${index}' could not be created`, response)
    return false
  },
  extended: async () => undefined,
}
