/** The version in `source.version` and in the plugin list. */
export const version = '0.1.0'
