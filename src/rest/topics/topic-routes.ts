import type { PlainMap } from '../../api/schema.ts'
import type { TopicInfo, TopicSummary } from '../../herder/entities/topic-info.ts'
import type { Caller } from '../access/caller.ts'

import { BadRequestError } from '../../herder/herder-errors.ts'
import { AccessDeniedError } from '../access/access-errors.ts'
import { httpError } from '../rest-error.ts'
import { param, type RestContext, type Route, type TopicReads } from '../route.ts'
import { recordEvents } from './record-events.ts'
import { journeyJson, pageJson } from './record-json.ts'
import { recordsLimit, recordsRequest, wantsEvents } from './records-request.ts'

/** Topics and their records. */
export const topicRoutes: readonly Route[] = [
  {
    operationId: 'listTopics',
    method: 'GET',
    path: '/topics',
    needs: { role: 'read', of: 'asked connectors' },
    async handle({ caller, signal }, context) {
      const topics = await browser(context).list(signal)
      const shown = topics.map((topic) => shownTo(caller, topic)).filter((topic) => topic !== null)
      return { status: 200, json: shown.map(summaryJson) }
    },
  },
  {
    operationId: 'getTopic',
    method: 'GET',
    path: '/topics/{topic}',
    needs: { role: 'read', of: 'asked connectors' },
    async handle(request, context) {
      const name = param(request, 'topic')
      const { caller, signal } = request
      const topics = browser(context)
      // Before it is looked up: a caller does not learn whether a topic that it may not see exists.
      const users = await topics.users()
      if (shownTo(caller, { name, connectors: users(name) }) === null) throw AccessDeniedError.ofTopic(caller, name)
      const topic = await topics.describe(name, signal)
      return { status: 200, json: topicJson(shownTo(caller, topic) ?? topic) }
    },
  },
  {
    operationId: 'getRecords',
    method: 'GET',
    path: '/topics/{topic}/records',
    needs: { role: 'read', of: 'asked connectors' },
    streams: true,
    async handle(request, context) {
      const name = param(request, 'topic')
      const { caller, signal } = request
      const topics = browser(context)
      if (!caller.readsTopic(name)) throw AccessDeniedError.ofRecords(caller, name)
      const asked = recordsRequest(request)
      if (wantsEvents(request)) {
        const followed = await topics.follow(name, asked, signal, request.openStream())
        const headers = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }
        return { status: 200, headers, stream: recordEvents(followed) }
      }
      const page = await topics.records(name, asked, recordsLimit(request), signal)
      return { status: 200, text: pageJson(name, page), headers: { 'Content-Type': 'application/json' } }
    },
  },
  {
    operationId: 'getJourney',
    method: 'GET',
    path: '/topics/{topic}/journey',
    needs: { role: 'read', of: 'asked connectors' },
    async handle(request, context) {
      const name = param(request, 'topic')
      const { caller, signal, query } = request
      const topics = browser(context)
      if (!caller.readsTopic(name)) throw AccessDeniedError.ofRecords(caller, name)
      const [key, connector] = [query.get('key'), query.get('connector')]
      if (key === null) throw new BadRequestError('"key" is missing: the key of a row in JSON, such as {"id":7} or 7')
      if (connector !== null) request.reach(connector)
      const asked = { key, connector, reaches: (sink: string) => caller.reaches(sink) }
      const journey = await topics.journey(name, asked, signal)
      return { status: 200, text: journeyJson(name, journey), headers: { 'Content-Type': 'application/json' } }
    },
  },
]

/** @throws RestError 404 where there are no topics to show */
function browser({ topics }: RestContext): TopicReads {
  if (topics === undefined) throw httpError(404)
  return topics
}

/** Returns what the caller may see of a topic: one of its connectors uses it, or it may read its records. Null: nothing. */
function shownTo<T extends Pick<TopicSummary, 'name' | 'connectors'>>(caller: Caller, topic: T): T | null {
  const connectors = topic.connectors.filter((connector) => caller.reaches(connector))
  const isShown = !caller.isLimited || connectors.length > 0 || caller.readsTopic(topic.name)
  return isShown ? { ...topic, connectors } : null
}

function summaryJson({ name, partitions, internal, records, connectors }: TopicSummary): PlainMap {
  return { name, partitions, internal, records, connectors }
}

function topicJson({ partitions, configs, ...topic }: TopicInfo): PlainMap {
  return {
    ...topic,
    partitions: partitions.map((partition) => ({ ...partition })),
    configs: Object.fromEntries(configs.map(({ name, value, isOverride }) => [name, { value, override: isOverride }])),
  }
}
