/** What DescribeConfigs and its kin call the things that have configs. */
export const resourceTypes = { topic: 2, broker: 4 } as const

/** Where a config's value comes from. */
export const configSources = { topic: 1, broker: 4, default: 5 } as const
