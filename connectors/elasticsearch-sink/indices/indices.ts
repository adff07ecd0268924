import { ConnectError, type Logger, type Schema } from 'penstock/api'
import type { IndexWatch } from './index-watch.ts'
import { mappingOf, propertiesOf, type Mapping } from './mapping.ts'
import { refusal, requestPatiently } from '../client/requests.ts'
import type { Retries } from '../client/retries.ts'
import type { Transport } from '../client/transport.ts'

interface Known {
  /** Schemas whose fields the mapping has. */
  readonly schemas: WeakSet<Schema>
  /** Fields given a mapping by us, or found there. */
  readonly fields: Set<string>
  readonly topic: string
}

interface IndexMapping {
  readonly properties?: Mapping
  readonly _meta?: { readonly penstock?: { readonly topic?: string } }
}

/** Two topics have one index name. */
export function clashError(index: string, one: string, other: string): ConnectError {
  return new ConnectError(
    `topics '${one}' and '${other}' would both be written to index '${index}'. Route one elsewhere with a RegexRouter transform`,
    { code: 'ES_INDEX_NAME' },
  )
}

export interface IndicesParts {
  readonly transport: Transport
  readonly retries: Retries
  readonly watch: IndexWatch
  readonly logger: Logger
  /** See the setting document.values. */
  readonly exact: boolean
}

/** The indices of a task: made before the first write, with a mapping that matches the rows; extended when columns come. */
export class Indices {
  readonly #known = new Map<string, Known>()
  readonly #transport: Transport
  readonly #retries: Retries
  readonly #watch: IndexWatch
  readonly #logger: Logger
  readonly #exact: boolean

  constructor({ transport, retries, watch, logger, exact }: IndicesParts) {
    this.#transport = transport
    this.#retries = retries
    this.#watch = watch
    this.#logger = logger
    this.#exact = exact
  }

  /** Whether {@link ensure} has nothing to do. Null: no mapping is wanted. */
  ready(index: string, schema: Schema | null): boolean {
    const known = this.#known.get(index)
    return known !== undefined && (schema === null || known.schemas.has(schema))
  }

  /**
   * Makes the index, or adds the fields that its mapping lacks.
   * @throws ConnectError ES_INDEX_NAME when the index was made for another topic, ES_INDEX_RECREATED when it is gone.
   */
  async ensure(index: string, topic: string, schema: Schema | null, signal: AbortSignal): Promise<void> {
    let known = this.#known.get(index)
    if (known === undefined) {
      known = { schemas: new WeakSet(), fields: new Set(), topic }
      await this.#create(index, schema, known, signal)
      await this.#watch.remember(index, signal)
      this.#known.set(index, known)
    }
    if (schema === null || known.schemas.has(schema)) return
    await this.#extend(index, schema, known, signal)
    known.schemas.add(schema)
  }

  async #create(index: string, schema: Schema | null, known: Known, signal: AbortSignal): Promise<void> {
    const properties = schema === null ? {} : this.#properties(schema)
    // Names of topics fall together in names of indices, and the topics may be different tasks': the index says whose it is.
    const mappings = { _meta: { penstock: { topic: known.topic } }, ...(schema === null ? {} : { properties }) }
    const body = JSON.stringify({ mappings })
    const path = `/${encodeURIComponent(index)}`
    const answer = await requestPatiently(this.#transport, { method: 'PUT', path, body, signal }, this.#retries)
    if (answer.status < 300) {
      for (const field of Object.keys(properties)) known.fields.add(field)
      return
    }
    const there =
      answer.body.includes('resource_already_exists_exception') || answer.body.includes('invalid_index_name_exception')
    if (!answer.body.includes('resource_already_exists_exception')) {
      // The name of an alias answers that it is no index name: it is there, then.
      const head =
        there || answer.status === 403
          ? await requestPatiently(this.#transport, { method: 'HEAD', path, signal }, this.#retries)
          : null
      if (head?.status !== 200) throw refusal(`index '${index}' could not be created`, answer)
    }
    await this.#learn(index, known, signal)
  }

  /** Reads which fields an index that was there has. */
  async #learn(index: string, known: Known, signal: AbortSignal): Promise<void> {
    const answer = await requestPatiently(
      this.#transport,
      { method: 'GET', path: `/${encodeURIComponent(index)}/_mapping`, signal },
      this.#retries,
    )
    if (answer.status >= 300) throw refusal(`the mapping of '${index}' could not be read`, answer)
    const indices = JSON.parse(answer.body) as Record<string, { mappings?: IndexMapping }>
    for (const { mappings } of Object.values(indices)) {
      const owner = mappings?._meta?.penstock?.topic
      if (owner !== undefined && owner !== known.topic) throw clashError(index, owner, known.topic)
      for (const field of Object.keys(mappings?.properties ?? {})) known.fields.add(field)
    }
  }

  async #extend(index: string, schema: Schema, known: Known, signal: AbortSignal): Promise<void> {
    const properties = this.#properties(schema)
    const added = Object.keys(properties).filter((field) => !known.fields.has(field))
    if (added.length === 0) return
    const body = JSON.stringify({ properties: Object.fromEntries(added.map((field) => [field, properties[field]])) })
    const path = `/${encodeURIComponent(index)}/_mapping`
    const answer = await requestPatiently(this.#transport, { method: 'PUT', path, body, signal }, this.#retries)
    if (answer.status === 404) await this.#watch.suspect(new Set([index]), signal)
    // The documents decide: with a mapping of somebody else's making they may still fit.
    if (answer.status === 400)
      this.#logger.warn(
        `the mapping of '${index}' keeps its own idea of ${added.join(', ')}: ${answer.body.slice(0, 300)}`,
      )
    else if (answer.status >= 300) throw refusal(`the mapping of '${index}' could not be extended`, answer)
    for (const field of added) known.fields.add(field)
  }

  #properties(schema: Schema): Mapping {
    return schema.type === 'STRUCT'
      ? propertiesOf(schema, this.#exact)
      : ((mappingOf(schema, this.#exact)['properties'] as Mapping | undefined) ?? {})
  }
}
