/**
 * The names of all that the quickstart makes. They are its own: nothing of the user's has them, so that it can make
 * them again in a server that it did not start.
 */
export const tables = ['customers', 'products', 'orders'] as const

export const databaseName = 'penstock_quickstart'
export const slotName = 'penstock_quickstart'
export const publicationName = 'penstock_quickstart'
export const topicPrefix = 'penstock_quickstart'
/** S3 allows no underscore. */
export const bucket = 'penstock-quickstart'
export const connectors = {
  source: 'quickstart-source',
  search: 'quickstart-search',
  archive: 'quickstart-archive',
} as const

/** The topic and the index of a table. */
export const topicOf = (table: string): string => `${topicPrefix}.public.${table}`
/** The indices, as one address of Elasticsearch names them. */
export const indices = tables.map(topicOf).join(',')
/** What the names of the objects of a table begin with. */
export const objectsOf = (table: string): string => `topics/${topicOf(table)}/`
