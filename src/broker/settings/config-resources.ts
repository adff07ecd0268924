/** The resource types of DescribeConfigs and AlterConfigs. */
export const resourceTypes = { topic: 2, broker: 4 } as const

/** The sources of a config value. */
export const configSources = { topic: 1, broker: 4, default: 5 } as const
