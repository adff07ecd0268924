import type { ConnectorPlugin } from 'penstock/api'

// Ends the thread that imports it.
process.exit(3)

export const plugin: ConnectorPlugin | null = null
