import { errorCodes } from '../../protocol/error-codes.ts'
import { describeConfigs } from '../../protocol/messages/describe-configs.ts'
import type { RequestOf, ResponseValue } from '../../protocol/schema.ts'
import { repeatedResources } from '../settings/alter-topic-configs.ts'
import { brokerConfigEntries } from '../settings/broker-config-entries.ts'
import type { BrokerState } from '../broker-state.ts'
import { configSources, resourceTypes } from '../settings/config-resources.ts'
import { register } from '../requests/register.ts'
import { effectiveTopicConfigs, type EffectiveTopicConfig } from '../settings/topic-configs.ts'
import { clipped } from '../topics/topic-error.ts'
import type { TopicConfigType } from '../settings/topic-config-definitions.ts'

/*
 * DescribeConfigs (32), versions 0 to 4: all configs of a topic with their defaults, and those of the broker, which are read
 * only. Synonyms are the places that the value comes from, the strongest first: what the topic sets, then the broker's default.
 */

type Resource = RequestOf<typeof describeConfigs>['resources'][number]
type Result = ResponseValue<typeof describeConfigs>['results'][number]
type Entry = Result['configs'][number]

const typeCodes: Readonly<Record<TopicConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  long: 5,
  double: 6,
  list: 7,
}

/** Serves DescribeConfigs. */
export const describeConfigsRegistration = register(
  describeConfigs,
  (state: BrokerState) =>
    ({ resources, includeSynonyms, includeDocumentation }) => {
      const repeated = repeatedResources(resources)
      return {
        results: resources.map((resource) =>
          repeated.has(resource)
            ? repetition(resource)
            : describe(state, resource, includeSynonyms, includeDocumentation),
        ),
      }
    },
)

function repetition({ resourceType, resourceName }: Resource): Result {
  const errorMessage = 'Each resource must appear at most once.'
  return { errorCode: errorCodes.INVALID_REQUEST, errorMessage, resourceType, resourceName, configs: [] }
}

function describe(state: BrokerState, resource: Resource, withSynonyms: boolean, withDocs: boolean): Result {
  const { resourceType, resourceName, configurationKeys } = resource
  const entries = entriesOf(state, resource)
  if (!Array.isArray(entries)) return { ...entries, resourceType, resourceName, configs: [] }
  const wanted = configurationKeys === null ? null : new Set(configurationKeys)
  const configs: Entry[] = []
  for (const entry of entries) {
    if (wanted !== null && !wanted.has(entry.name)) continue
    configs.push({
      ...entry,
      isDefault: entry.configSource === configSources.default,
      synonyms: withSynonyms ? entry.synonyms : [],
      documentation: withDocs ? (entry.documentation ?? null) : null,
    })
  }
  return { errorCode: errorCodes.NONE, errorMessage: null, resourceType, resourceName, configs }
}

function entriesOf(
  state: BrokerState,
  { resourceType, resourceName }: Resource,
): Omit<Entry, 'isDefault'>[] | { readonly errorCode: number; readonly errorMessage: string } {
  if (resourceType === resourceTypes.topic) {
    const topic = state.topics.get(resourceName)
    if (topic === undefined) {
      return {
        errorCode: errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
        errorMessage: `There is no topic '${clipped(resourceName)}'.`,
      }
    }
    return effectiveTopicConfigs(topic.configs, state.config.log).map((config) => ({
      name: config.name,
      value: config.value,
      readOnly: false,
      configSource: configSources[config.source],
      isSensitive: false,
      synonyms: synonymsOf(config),
      configType: typeCodes[config.type],
      documentation: config.doc,
    }))
  }
  if (resourceType !== resourceTypes.broker) {
    return {
      errorCode: errorCodes.INVALID_REQUEST,
      errorMessage: `Resources of type ${resourceType} have no configs here.`,
    }
  }
  if (resourceName === '') return [] // The defaults of a cluster whose brokers cannot be changed while they run.
  if (resourceName !== String(state.node().nodeId)) {
    return { errorCode: errorCodes.INVALID_REQUEST, errorMessage: `There is no broker ${clipped(resourceName)}.` }
  }
  return brokerConfigEntries(state).map(({ name, value, type }) => ({
    name,
    value,
    readOnly: true,
    configSource: configSources.broker,
    isSensitive: false,
    synonyms: [{ name, value, source: configSources.broker }],
    configType: typeCodes[type],
  }))
}

function synonymsOf({ name, value, source, inherited }: EffectiveTopicConfig): Entry['synonyms'] {
  const own = source === 'topic' ? [{ name, value, source: configSources.topic }] : []
  return [...own, ...inherited.map((setting) => ({ ...setting, source: configSources[setting.source] }))]
}
