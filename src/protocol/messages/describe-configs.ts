import { array, bool, defineApi, int16, int32, int8, string } from '../schema.ts'

/**
 * Configs of topics (resource type 2) and brokers (4). Null keys mean all. Sources: 1 topic, 4 static, 5 default. Version 0 only
 * says whether a value is the default.
 */
export const describeConfigs = defineApi({
  key: 32,
  name: 'DescribeConfigs',
  versions: [0, 4],
  flexibleFrom: 4,
  request: {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: array(string(), { nullable: true }),
    }),
    includeSynonyms: bool({ since: 1, default: false }),
    includeDocumentation: bool({ since: 3, default: false }),
  },
  response: {
    throttleTimeMs: int32({ default: 0 }),
    results: array({
      errorCode: int16(),
      errorMessage: string({ nullable: true }),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: string({ nullable: true }),
        readOnly: bool(),
        isDefault: bool({ until: 0, default: false }),
        configSource: int8({ since: 1, default: -1 }),
        isSensitive: bool(),
        synonyms: array({ name: string(), value: string({ nullable: true }), source: int8() }, { since: 1 }),
        configType: int8({ since: 3, default: 0 }),
        documentation: string({ since: 3, nullable: true }),
      }),
    }),
  },
})
