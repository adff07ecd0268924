import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { openRegistry } from '../../../src/registry/open-registry.ts'
import type { SchemaRegistry } from '../../../src/registry/schema-registry.ts'
import { registryPrefix } from '../../../src/rest/registry/registry-route.ts'
import type { RestServer } from '../../../src/rest/rest-server.ts'
import { quietLogger } from '../quiet-logger.ts'
import { RestClient } from '../rest/rest-client.ts'
import { startedRest } from '../rest/started-rest.ts'

/** What a response of the registry says. */
export interface RegistryResponse {
  readonly status: number
  readonly body: unknown
}

/** A registry on a broker, behind a REST API. */
export class TestRegistry {
  readonly registry: SchemaRegistry
  readonly client: KafkaClient
  /** For clients of the registry. */
  readonly url: string
  readonly #rest: RestServer
  readonly #http: RestClient

  private constructor(parts: { registry: SchemaRegistry; client: KafkaClient; rest: RestServer }) {
    this.registry = parts.registry
    this.client = parts.client
    this.#rest = parts.rest
    this.#http = new RestClient(parts.rest.url)
    this.url = `${parts.rest.url}${registryPrefix}`
  }

  static async start(bootstrapServers: string): Promise<TestRegistry> {
    const logger = quietLogger()
    const client = await KafkaClient.connect({ bootstrapServers, clientId: 'registry', clock: systemClock, logger })
    const options = { client, topic: '_schemas', replicationFactor: -1, clock: systemClock, logger }
    const registry = await openRegistry({ ...options, onError: () => undefined })
    const rest = await startedRest({ clock: systemClock, registry: async () => registry })
    return new TestRegistry({ registry, client, rest })
  }

  async get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<RegistryResponse> {
    return responseOf(await this.#http.get(`${registryPrefix}${path}`, headers))
  }

  async post(path: string, body: unknown): Promise<RegistryResponse> {
    return responseOf(await this.#http.post(`${registryPrefix}${path}`, body))
  }

  async put(path: string, body: unknown): Promise<RegistryResponse> {
    return responseOf(await this.#http.put(`${registryPrefix}${path}`, body))
  }

  async delete(path: string): Promise<RegistryResponse> {
    return responseOf(await this.#http.delete(`${registryPrefix}${path}`))
  }

  /** Registers an Avro schema, and returns its id. */
  async register(subject: string, schema: unknown, more: object = {}): Promise<number> {
    const { status, body } = await this.post(`/subjects/${encodeURIComponent(subject)}/versions`, {
      schema: JSON.stringify(schema),
      ...more,
    })
    if (status !== 200) throw new RangeError(JSON.stringify(body))
    return (body as { id: number }).id
  }

  async close(): Promise<void> {
    await this.#rest.close()
    await this.registry.close()
    await this.client.close()
  }
}

function responseOf({ status, body }: { readonly status: number; readonly body: string }): RegistryResponse {
  return { status, body: body === '' ? null : (JSON.parse(body) as unknown) }
}

/** An Avro record with fields `name:type`; `name:type=default` has a default. */
export function recordOf(name: string, ...fields: readonly string[]): object {
  return {
    type: 'record',
    name,
    fields: fields.map((field) => {
      const [, fieldName = '', type = '', value] = /^(\w+):(\w+)(?:=(.*))?$/.exec(field) ?? []
      return value === undefined
        ? { name: fieldName, type }
        : { name: fieldName, type, default: JSON.parse(value) as unknown }
    }),
  }
}
