import type { RawConfig } from '../../../api/config-def.ts'
import { parseConfig } from '../../definition/parse-config.ts'
import { errorConfigDef } from './error-config-def.ts'

/** What a task does with records that fail (`errors.*`, KIP-298). */
export interface ErrorSettings {
  /** Whether they are skipped (`errors.tolerance=all`) rather than fail the task. */
  readonly toleratesAll: boolean
  /** How long an operation that fails retriably is repeated; 0 never, infinite without end. */
  readonly retryTimeoutMs: number
  readonly retryDelayMaxMs: number
  readonly logs: boolean
  /** Whether a log line has the record. */
  readonly logsMessages: boolean
}

/** Returns the settings of a connector. @throws ConfigError */
export function errorSettingsOf(config: RawConfig): ErrorSettings {
  const parsed = parseConfig(errorConfigDef, config)
  const timeout = Number(parsed['errors.retry.timeout'])
  return {
    toleratesAll: parsed['errors.tolerance'] === 'all',
    retryTimeoutMs: timeout < 0 ? Number.POSITIVE_INFINITY : timeout,
    retryDelayMaxMs: Number(parsed['errors.retry.delay.max.ms']),
    logs: parsed['errors.log.enable'] === true,
    logsMessages: parsed['errors.log.include.messages'] === true,
  }
}
