import type { ConfigDef, ParsedConfig } from '../../../api/config-def.ts'

import { atLeast } from '../../../api/validators.ts'

/** The limits of the REST API (I10). Times in milliseconds, sizes in bytes. */
export interface RestLimits {
  /** Maximum number of open connections. */
  readonly maxConnections: number
  /** Maximum number of connections from one address. */
  readonly maxConnectionsPerIp: number
  /** Time after which an idle connection is closed. */
  readonly maxIdleMs: number
  /** Time for a client to send a request, and to read a part of a response. */
  readonly maxReceiveMs: number
  /** Maximum size of a request body. */
  readonly maxBodyBytes: number
  /** Maximum number of requests on a connection without a response yet. */
  readonly maxPipelined: number
  /** Maximum number of requests in progress that do more than read the worker's state. */
  readonly maxConcurrent: number
}

interface Setting {
  readonly field: keyof RestLimits
  readonly type: 'INT' | 'LONG'
  readonly defaultValue: number
  readonly least: number
  readonly doc: string
}

/** An idle connection is kept as long as in Jetty, Connect's server. */
const settings: Readonly<Record<string, Setting>> = {
  'rest.max.connections': {
    field: 'maxConnections',
    type: 'INT',
    defaultValue: 512,
    least: 1,
    doc: 'Maximum number of connections to the REST API. A further connection replaces the one that has been idle for longest; if all have requests in progress, it is rejected with 503.',
  },
  'rest.max.connections.per.ip': {
    field: 'maxConnectionsPerIp',
    type: 'INT',
    defaultValue: 2_147_483_647,
    least: 1,
    doc: 'Maximum number of connections from one address. Further ones are rejected with 503.',
  },
  'rest.connections.max.idle.ms': {
    field: 'maxIdleMs',
    type: 'LONG',
    defaultValue: 90_000,
    least: 1000,
    doc: 'Time after which the REST API closes an idle connection, in milliseconds.',
  },
  'rest.request.receive.max.ms': {
    field: 'maxReceiveMs',
    type: 'LONG',
    defaultValue: 30_000,
    least: 1000,
    doc: 'How long a client may take to send a request with its body, and to read a part of a response, in milliseconds. After that its connection is closed.',
  },
  'rest.request.max.bytes': {
    field: 'maxBodyBytes',
    type: 'INT',
    defaultValue: 8_388_608,
    least: 1024,
    doc: 'Maximum size of a request body in bytes. Larger ones are rejected with 413.',
  },
  'rest.max.pipelined.requests': {
    field: 'maxPipelined',
    type: 'INT',
    defaultValue: 16,
    least: 1,
    doc: 'Maximum number of requests that a connection may send without waiting for responses. A further one is rejected with 503, and the connection is closed.',
  },
  'rest.max.concurrent.requests': {
    field: 'maxConcurrent',
    type: 'INT',
    defaultValue: 32,
    least: 1,
    doc: 'Maximum number of requests in progress that change something, validate a config, or use `expand`. Eight times as many wait for up to 30 s; further ones are rejected with 503. Requests that only read the state of the worker or of one connector are not counted.',
  },
}

/** The settings of the limits. */
export const restLimitKeys: ConfigDef = Object.fromEntries(
  Object.entries(settings).map(([name, { type, defaultValue, least, doc }]) => [
    name,
    { type, defaultValue, importance: 'MEDIUM' as const, doc, validator: atLeast(least) },
  ]),
)

export const defaultRestLimits: RestLimits = limitsFrom((name) => settings[name]?.defaultValue ?? 0)

/** Returns the limits in a worker's settings. */
export function restLimitsOf(parsed: ParsedConfig): RestLimits {
  return limitsFrom((name) => Number(parsed[name]))
}

function limitsFrom(value: (name: string) => number): RestLimits {
  const entries = Object.entries(settings).map(([name, { field }]) => [field, value(name)])
  return Object.fromEntries(entries) as RestLimits
}
