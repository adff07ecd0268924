import type { estypes } from '@elastic/elasticsearch'
import { rejection } from '../client/requests.ts'
import type { CreatedIndex, Request, Targets } from './targets.ts'

type Template = estypes.IndicesPutIndexTemplateRequest

// Above the templates that Elasticsearch has for logs-*-* and metrics-*-*.
const priority = 200
const timestampMapping = { '@timestamp': { type: 'date' } } as const

/**
 * Data streams. Elasticsearch creates one only if an index template names it; where none does (OpenSearch has no templates of its own),
 * the sink creates one for this data stream. A rollover takes its mapping from the template: the sink keeps its own up to date.
 */
export const streamTargets: Targets = {
  async create(name, created, request) {
    const found = await request((client, options) => client.indices.getDataStream({ name }, options))
    if (found.status === 200 && found.body.includes('"name"')) return false
    const create = (): ReturnType<Request> =>
      request((client, options) => client.indices.createDataStream({ name }, options))
    let response = await create()
    if (response.status === 400 && response.body.includes('no matching index template')) {
      const put = await request((client, options) =>
        client.indices.putIndexTemplate(templateOf(name, created), options),
      )
      if (put.status >= 300) throw rejection(`the index template of data stream '${name}' could not be created`, put)
      response = await create()
    }
    if (response.status >= 300 && !response.body.includes('resource_already_exists_exception'))
      throw rejection(`data stream '${name}' could not be created`, response)
    return false
  },
  async extended(name, properties, request) {
    const response = await request((client, options) =>
      client.indices.getIndexTemplate({ name: templateName(name) }, options),
    )
    // The template is another one, or the user may not read it.
    if (response.status >= 300) return
    const { index_templates: templates } = JSON.parse(response.body) as {
      index_templates: readonly { index_template: { template?: CreatedIndex } }[]
    }
    const before = templates[0]?.index_template.template
    if (before === undefined) return
    const { mappings } = before
    const all = { ...before, mappings: { ...mappings, properties: { ...mappings.properties, ...properties } } }
    const put = await request((client, options) => client.indices.putIndexTemplate(templateOf(name, all), options))
    if (put.status >= 300) throw rejection(`the index template of data stream '${name}' could not be extended`, put)
  },
}

const templateName = (name: string): string => `penstock-${name}`

function templateOf(name: string, { mappings, ...rest }: CreatedIndex): Template {
  // Several topics may share a data stream.
  const _meta = { ...mappings._meta, penstock: {} }
  const properties = { ...mappings.properties, ...timestampMapping }
  return {
    name: templateName(name),
    index_patterns: [name],
    data_stream: {},
    priority,
    template: { ...rest, mappings: { ...mappings, _meta, properties } },
  }
}
