import type { ConfigDef, ParsedConfig, RawConfig } from '../api/config-def.ts'
import { atLeast, nullOr } from '../api/validators.ts'
import type { Backoff } from '../foundation/async/backoff.ts'
import { parseValue } from './definition/parse-value.ts'

/** How connectors and tasks that failed for a transient reason are restarted. */
export interface RestartSettings {
  readonly enabled: boolean
  /** How often in a row; null: without limit. */
  readonly maxAttempts: number | null
  /** What has run for its `maxMs` is not in a row with earlier failures. */
  readonly backoff: Backoff
}

/** The settings of a worker, which are the defaults of its connectors. */
export const restartConfigDef = {
  'errors.restart.enable': {
    type: 'BOOLEAN',
    defaultValue: true,
    importance: 'MEDIUM',
    doc: 'Whether a connector or task that failed for a reason that may pass, such as a lost connection, is restarted. A connector may have its own value of this and the other errors.restart settings.',
  },
  'errors.restart.max.attempts': {
    type: 'INT',
    defaultValue: 100,
    importance: 'MEDIUM',
    doc: 'How often a connector or task is restarted in a row. After that it stays FAILED. -1: without limit.',
    validator: atLeast(-1),
  },
  'errors.restart.initial.delay.ms': {
    type: 'LONG',
    defaultValue: 1000,
    importance: 'LOW',
    doc: 'The pause before the first restart, in milliseconds. It is doubled for each further one, and half of it is random.',
    validator: atLeast(1),
  },
  'errors.restart.max.delay.ms': {
    type: 'LONG',
    defaultValue: 300_000,
    importance: 'LOW',
    doc: 'The maximum pause before a restart, in milliseconds. What has run for this time begins with the first pause again.',
    validator: atLeast(1),
  },
} as const satisfies ConfigDef

/** The keys of a connector, whose defaults are the settings of its worker. Kafka Connect's REST API does not have them. */
export const connectorRestartKeys: ConfigDef = Object.fromEntries(
  Object.entries(restartConfigDef).map(([key, definition]) => [
    key,
    {
      ...definition,
      defaultValue: null,
      internal: true,
      ...('validator' in definition ? { validator: nullOr(definition.validator) } : {}),
    },
  ]),
)

/** Returns the settings of a worker. */
export function workerRestarts(parsed: ParsedConfig): RestartSettings {
  const number = (key: keyof typeof restartConfigDef): number => Number(parsed[key])
  return {
    enabled: parsed['errors.restart.enable'] !== false,
    maxAttempts: limitOf(number('errors.restart.max.attempts')),
    backoff: {
      initialMs: number('errors.restart.initial.delay.ms'),
      maxMs: number('errors.restart.max.delay.ms'),
    },
  }
}

/** Returns the settings of a connector. A value that is not valid, which another worker has written, is that of the worker. */
export function connectorRestarts(config: RawConfig, worker: RestartSettings): RestartSettings {
  const value = (key: keyof typeof restartConfigDef): unknown => {
    const text = config[key]
    const parsed = text === undefined ? null : parseValue(text, restartConfigDef[key].type)
    return parsed !== null && 'value' in parsed ? parsed.value : null
  }
  const positive = (key: keyof typeof restartConfigDef, otherwise: number): number => {
    const given = value(key)
    return typeof given === 'number' && given >= 1 ? given : otherwise
  }
  const enabled = value('errors.restart.enable')
  const attempts = value('errors.restart.max.attempts')
  return {
    enabled: typeof enabled === 'boolean' ? enabled : worker.enabled,
    maxAttempts: typeof attempts === 'number' && attempts >= -1 ? limitOf(attempts) : worker.maxAttempts,
    backoff: {
      initialMs: positive('errors.restart.initial.delay.ms', worker.backoff.initialMs),
      maxMs: positive('errors.restart.max.delay.ms', worker.backoff.maxMs),
    },
  }
}

function limitOf(attempts: number): number | null {
  return attempts < 0 ? null : attempts
}
