import type { ConfigDef, ParsedConfig } from '../../api/config-def.ts'

import { atLeast } from '../../api/validators.ts'

/** What clients may take of the REST API. Times in milliseconds, sizes in bytes. */
export interface RestLimits {
  /** Open connections. */
  readonly maxConnections: number
  /** Connections of one address. */
  readonly maxConnectionsPerIp: number
  /** A connection without a request is closed after so long. */
  readonly maxIdleMs: number
  /** A client has this long to send a request, and to take some of a response. */
  readonly maxReceiveMs: number
  /** Largest body of a request. */
  readonly maxBodyBytes: number
  /** Requests that a connection may send ahead of their responses. */
  readonly maxPipelined: number
  /** Requests under way that do more than show what the worker knows. */
  readonly maxConcurrent: number
}

interface Setting {
  readonly field: keyof RestLimits
  readonly type: 'INT' | 'LONG'
  readonly defaultValue: number
  readonly least: number
  readonly doc: string
}

/** An idle connection is kept as long as Jetty keeps it. */
const settings: Readonly<Record<string, Setting>> = {
  'rest.max.connections': {
    field: 'maxConnections',
    type: 'INT',
    defaultValue: 512,
    least: 1,
    doc: 'Connections to the REST API at most. For one more, the one is closed on which nothing has happened for longest; it is refused with 503 when all have requests under way.',
  },
  'rest.max.connections.per.ip': {
    field: 'maxConnectionsPerIp',
    type: 'INT',
    defaultValue: 2_147_483_647,
    least: 1,
    doc: 'Of these, from one address. More are refused with 503.',
  },
  'rest.connections.max.idle.ms': {
    field: 'maxIdleMs',
    type: 'LONG',
    defaultValue: 90_000,
    least: 1000,
    doc: 'The REST API closes connections that send no request for so long.',
  },
  'rest.request.receive.max.ms': {
    field: 'maxReceiveMs',
    type: 'LONG',
    defaultValue: 30_000,
    least: 1000,
    doc: 'How long a client may take to send a request, headers and body, and to take some of a response. Then its connection is closed.',
  },
  'rest.request.max.bytes': {
    field: 'maxBodyBytes',
    type: 'INT',
    defaultValue: 8_388_608,
    least: 1024,
    doc: 'Largest body of a request. Larger ones are refused with 413.',
  },
  'rest.max.pipelined.requests': {
    field: 'maxPipelined',
    type: 'INT',
    defaultValue: 16,
    least: 1,
    doc: 'Requests that a connection may send ahead of their responses. One more is refused with 503 and ends the connection.',
  },
  'rest.max.concurrent.requests': {
    field: 'maxConcurrent',
    type: 'INT',
    defaultValue: 32,
    least: 1,
    doc: 'Requests under way that change something, validate, or expand. Eight times as many wait for up to 30 s; more are refused with 503. What only shows the state of the worker or of one connector is not counted.',
  },
}

/** The limits as settings of the worker. */
export const restLimitKeys: ConfigDef = Object.fromEntries(
  Object.entries(settings).map(([name, { type, defaultValue, least, doc }]) => [
    name,
    { type, defaultValue, importance: 'MEDIUM' as const, doc, validator: atLeast(least) },
  ]),
)

export const defaultRestLimits: RestLimits = limitsFrom((name) => settings[name]?.defaultValue ?? 0)

/** The limits that a worker's settings name. */
export function restLimitsOf(parsed: ParsedConfig): RestLimits {
  return limitsFrom((name) => Number(parsed[name]))
}

function limitsFrom(value: (name: string) => number): RestLimits {
  const entries = Object.entries(settings).map(([name, { field }]) => [field, value(name)])
  return Object.fromEntries(entries) as RestLimits
}
