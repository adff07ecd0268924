/**
 * The names of everything that the quickstart creates. They are specific to it, so that it can delete and re-create them in
 * servers that it did not start without touching other data.
 */
export const tables = ['customers', 'products', 'orders'] as const

export const databaseName = 'penstock_quickstart'
export const slotName = 'penstock_quickstart'
export const publicationName = 'penstock_quickstart'
export const topicPrefix = 'penstock_quickstart'
/** S3 does not allow underscores in bucket names. */
export const bucket = 'penstock-quickstart'
export const connectors = {
  source: 'quickstart-source',
  search: 'quickstart-search',
  archive: 'quickstart-archive',
} as const

/** Returns the topic of a table, which is also its index. */
export const topicOf = (table: string): string => `${topicPrefix}.public.${table}`
/** All indices, comma-separated as in Elasticsearch's URLs. */
export const indices = tables.map(topicOf).join(',')
/** Returns the prefix of the keys of a table's objects. */
export const objectsOf = (table: string): string => `topics/${topicOf(table)}/`
