import type { Server, ServerContext } from '../process/server.ts'
import { elasticsearchBuilds, openSearchBuilds, type SearchBuild } from './builds.ts'
import { startElasticsearch, startElasticsearchBuild, type ElasticsearchOptions } from './elasticsearch.ts'
import { startOpenSearch } from './opensearch.ts'

/** Starts Elasticsearch or OpenSearch. @param build null for the Elasticsearch of the quickstart, in Docker where there is Docker. */
export function startSearch(
  context: ServerContext,
  build: SearchBuild | null,
  options: ElasticsearchOptions,
): Promise<Server> {
  switch (build) {
    case null:
      return startElasticsearch(context, options)
    case 'elasticsearch-7':
      return startElasticsearchBuild(context, elasticsearchBuilds[7], options)
    case 'elasticsearch-8':
      return startElasticsearchBuild(context, elasticsearchBuilds[8], options)
    case 'elasticsearch-9':
      return startElasticsearchBuild(context, elasticsearchBuilds[9], options)
    case 'opensearch-2':
      return startOpenSearch(context, openSearchBuilds[2], options)
    case 'opensearch-3':
      return startOpenSearch(context, openSearchBuilds[3], options)
  }
}
