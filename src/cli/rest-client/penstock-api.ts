import { pathOf } from './connect-api.ts'
import type {
  Activity,
  ConnectorDiagnosis,
  ConnectorErrors,
  ErrorsReplay,
  Journey,
  Records,
  ReplayRequest,
  TopicInfo,
  TopicSummary,
  WorkerDiagnosis,
} from './penstock-entities.ts'
import { UnsupportedCommandError } from './request-error.ts'
import type { RestClient } from './rest-client.ts'

/** Which records of a topic to read. */
export interface RecordsQuery {
  readonly from: string
  readonly partition: string | null
  readonly filter: string | null
  readonly connector: string | null
  readonly limit?: number
}

/** What a worker of Penstock has beyond Kafka Connect. @throws UnsupportedCommandError with Kafka Connect */
export class PenstockApi {
  readonly rest: RestClient

  constructor(rest: RestClient) {
    this.rest = rest
  }

  /** Null with a server that does not have it. */
  async activityIfAny(): Promise<Activity | null> {
    return await ifAny(this.rest.send<Activity>('GET', '/activity'))
  }

  async diagnosisOf(connector: string): Promise<ConnectorDiagnosis> {
    return await this.rest.send('GET', `${pathOf(connector)}/diagnosis`)
  }

  async diagnosis(): Promise<WorkerDiagnosis> {
    return await this.rest.send('GET', '/diagnosis')
  }

  /** Null with a server that does not have it. */
  async diagnosisIfAny(): Promise<WorkerDiagnosis | null> {
    return await ifAny(this.diagnosis())
  }

  async errors(connector: string, limit: number, before: string | null): Promise<ConnectorErrors> {
    const query = { limit: String(limit), before: before ?? undefined }
    return await this.rest.send('GET', `${pathOf(connector)}/errors`, { query })
  }

  async replay(connector: string, body: ReplayRequest): Promise<ErrorsReplay> {
    return await this.rest.send('POST', `${pathOf(connector)}/errors/replay`, { body })
  }

  async topics(): Promise<readonly TopicSummary[]> {
    return await this.rest.send('GET', '/topics')
  }

  async topic(name: string): Promise<TopicInfo> {
    return await this.rest.send('GET', topicPath(name))
  }

  async records(topic: string, query: RecordsQuery): Promise<Records> {
    return await this.rest.send('GET', `${topicPath(topic)}/records`, { query: queryOf(query) })
  }

  /** @param connector whose converters read the records; null: one that uses the topic */
  async journey(topic: string, key: string, connector: string | null): Promise<Journey> {
    const query = { key, connector: connector ?? undefined }
    return await this.rest.send('GET', `${topicPath(topic)}/journey`, { query })
  }

  /** A stream of server-sent events, one a record. */
  async follow(topic: string, query: RecordsQuery, { signal, last }: Following): Promise<Response> {
    return await this.rest.stream(`${topicPath(topic)}/records`, {
      query: queryOf(query),
      signal,
      headers: last === null ? {} : { 'Last-Event-ID': last },
    })
  }
}

export interface Following {
  readonly signal: AbortSignal
  /** The id of the last event that was read; null at the beginning. */
  readonly last: string | null
}

const topicPath = (name: string): string => `/topics/${encodeURIComponent(name)}`

const queryOf = ({ from, partition, filter, connector, limit }: RecordsQuery): Record<string, string | undefined> => ({
  from,
  partition: partition ?? undefined,
  filter: filter ?? undefined,
  connector: connector ?? undefined,
  limit: limit === undefined ? undefined : String(limit),
})

async function ifAny<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found
  } catch (error) {
    if (error instanceof UnsupportedCommandError) return null
    throw error
  }
}
