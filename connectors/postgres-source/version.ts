/** What `source.version` and the plugin list show. */
export const version = '0.1.0'
