import { ConnectError, type Logger, type Schema, type SinkTaskContext } from 'penstock/api'
import type { IndexWatch } from './index-watch.ts'
import { mappingOf, propertiesOf, type Properties } from './mapping.ts'
import type { Call, Cluster, Response } from '../client/cluster.ts'
import { rejection, requestWithRetry } from '../client/requests.ts'
import type { Retries } from '../client/retries.ts'
import type { IndexDefinition } from './index-definition.ts'
import type { Targets } from './targets.ts'

interface Known {
  /** Schemas whose fields the mapping has. */
  readonly schemas: WeakSet<Schema>
  /** Fields that the mapping has: created by the sink, or found. */
  readonly fields: Set<string>
  /** Null where several topics share it. */
  readonly topic: string | null
}

interface IndexMapping {
  readonly properties?: Properties
  readonly _meta?: { readonly penstock?: { readonly topic?: string } }
}

/** Two topics have the same index name. */
export function clashError(index: string, one: string, other: string): ConnectError {
  return new ConnectError(
    `topics '${one}' and '${other}' would both be written to index '${index}'. Route one elsewhere with a RegexRouter transform`,
    { code: 'ES_INDEX_NAME' },
  )
}

export interface IndicesParts {
  readonly cluster: Cluster
  readonly retries: Retries
  readonly watch: IndexWatch
  readonly logger: Logger
  /** See the setting document.values. */
  readonly exact: boolean
  readonly targets: Targets
  readonly definition: IndexDefinition
  /** The most names to remember. */
  readonly maxNames: number
  readonly setCondition: SinkTaskContext['setCondition']
}

/** Creates the indices or data streams of a task before the first write, with a mapping for the rows, and extends mappings by new columns. */
export class Indices {
  readonly #known = new Map<string, Known>()
  readonly #cluster: Cluster
  readonly #retries: Retries
  readonly #watch: IndexWatch
  readonly #logger: Logger
  readonly #exact: boolean
  readonly #parts: IndicesParts

  constructor(parts: IndicesParts) {
    const { cluster, retries, watch, logger, exact } = parts
    this.#parts = parts
    this.#cluster = cluster
    this.#retries = retries
    this.#watch = watch
    this.#logger = logger
    this.#exact = exact
  }

  /** Returns whether {@link ensure} has nothing to do. @param schema null wants no mapping. */
  ready(index: string, schema: Schema | null): boolean {
    const known = this.#known.get(index)
    return known !== undefined && this.#watch.knows(index) && (schema === null || known.schemas.has(schema))
  }

  /**
   * Creates the index, or adds the fields that its mapping lacks.
   * @param topic null where several topics share the index.
   * @throws ConnectError ES_INDEX_NAME when the index was created for another topic, ES_INDEX_RECREATED when it is gone.
   */
  async ensure(index: string, topic: string | null, schema: Schema | null, signal: AbortSignal): Promise<void> {
    let known = this.#known.get(index)
    if (known === undefined) {
      known = { schemas: new WeakSet(), fields: new Set(), topic }
      await this.#create(index, schema, known, signal)
      await this.#watch.remember(index, signal)
      this.#known.set(index, known)
      const oldest = this.#known.size > this.#parts.maxNames ? this.#known.keys().next().value : undefined
      if (oldest !== undefined) this.#known.delete(oldest)
    } else if (!this.#watch.knows(index)) await this.#watch.remember(index, signal)
    if (schema === null || known.schemas.has(schema)) return
    await this.#extend(index, schema, known, signal)
    known.schemas.add(schema)
  }

  async #create(index: string, schema: Schema | null, known: Known, signal: AbortSignal): Promise<void> {
    const { definition, targets } = this.#parts
    const own = definition.mappings
    const properties = { ...(schema === null ? {} : this.#properties(schema)), ...own?.properties }
    // Two topics can have the same index name, and be in different tasks: the index names its topic.
    const _meta = { ...own?._meta, penstock: known.topic === null ? {} : { topic: known.topic } }
    const fields = schema === null && own?.properties === undefined ? {} : { properties }
    const created = { ...definition, mappings: { ...own, _meta, ...fields } }
    if (!(await targets.create(index, created, (call) => this.#request(signal, call))))
      return this.#learn(index, known, signal)
    for (const field of Object.keys(properties)) known.fields.add(field)
  }

  /** Reads the fields of an index that existed before. */
  async #learn(index: string, known: Known, signal: AbortSignal): Promise<void> {
    const response = await this.#request(signal, (client, options) => client.indices.getMapping({ index }, options))
    if (response.status >= 300) throw rejection(`the mapping of '${index}' could not be read`, response)
    const indices = JSON.parse(response.body) as Record<string, { mappings?: IndexMapping }>
    for (const { mappings } of Object.values(indices)) {
      const owner = mappings?._meta?.penstock?.topic
      if (owner !== undefined && known.topic !== null && owner !== known.topic)
        throw clashError(index, owner, known.topic)
      for (const field of Object.keys(mappings?.properties ?? {})) known.fields.add(field)
    }
  }

  async #extend(index: string, schema: Schema, known: Known, signal: AbortSignal): Promise<void> {
    const properties = this.#properties(schema)
    const added = Object.keys(properties).filter((field) => !known.fields.has(field))
    if (added.length === 0) return
    const missing = Object.fromEntries(Object.entries(properties).filter(([field]) => added.includes(field)))
    const response = await this.#request(signal, (client, options) =>
      client.indices.putMapping({ index, properties: missing }, options),
    )
    if (response.status === 404) await this.#watch.suspect(new Set([index]), signal)
    // The documents decide: they may still fit a mapping that a user created.
    if (response.status === 400) this.#notAdded(index, added, response.body)
    else if (response.status >= 300) throw rejection(`the mapping of '${index}' could not be extended`, response)
    else await this.#parts.targets.extended(index, missing, (call) => this.#request(signal, call))
    for (const field of added) known.fields.add(field)
  }

  #notAdded(index: string, added: readonly string[], reason: string): void {
    const text = `Elasticsearch did not add ${added.join(', ')} to the mapping of '${index}': ${reason.slice(0, 300)}`
    this.#logger.warn(text)
    if (reason.includes('Limit of total fields'))
      this.#parts.setCondition(
        'ES_FIELD_LIMIT',
        `an index has as many fields as it may have: ${text}. Documents with other fields are rejected. Raise index.mapping.total_fields.limit of the index, leave columns out with a ReplaceField transform, or map objects as flattened with index.definition; then restart the task`,
      )
  }

  #request(signal: AbortSignal, call: Call): Promise<Response> {
    return requestWithRetry(this.#cluster, this.#retries, signal, call)
  }

  #properties(schema: Schema): Properties {
    if (schema.type === 'STRUCT') return propertiesOf(schema, this.#exact)
    const mapping = mappingOf(schema, this.#exact)
    return ('properties' in mapping ? mapping.properties : undefined) ?? {}
  }
}
