import type { RawConfig } from '../../api/config-def.ts'
import type { ConfigInfos, SubmittedConfig } from '../../config/definition/config-infos.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { ConnectorInfo } from '../../herder/entities/connector-info.ts'
import type { Herder, SubmittedConnector } from '../../herder/herder.ts'

import { NotFoundError } from '../../api/errors.ts'
import { undefinedValue } from '../../config/definition/describe-config.ts'
import { BadRequestError } from '../../herder/herder-errors.ts'
import { PasswordKeys } from './password-keys.ts'
import { keptKeys, mask, maskedConfig, maskedTaskConfig, maskKeys, mayHoldMask } from './password-mask.ts'

/** The setting that hides passwords. */
const setting = 'rest.mask.passwords'

/** Returns the herder as REST shows it with `rest.mask.passwords`: passwords are hidden, and a mask that comes back keeps them. */
export function maskingHerder(herder: Herder, clock: Clock): Herder {
  const masked: Partial<Herder> = new MaskedConfigs(herder, clock).operations()
  return new Proxy(herder, {
    get(target, name): unknown {
      const own: unknown = Reflect.get(masked, name)
      if (own !== undefined) return own
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

type MaskedOperations = Pick<
  Herder,
  | 'connectorInfo'
  | 'connectorConfig'
  | 'taskInfos'
  | 'createConnector'
  | 'putConnectorConfig'
  | 'patchConnectorConfig'
  | 'validateConnectorConfig'
>

/** The operations of a herder that take or return configs of connectors. */
class MaskedConfigs {
  readonly #herder: Herder
  readonly #keys: PasswordKeys

  constructor(herder: Herder, clock: Clock) {
    this.#herder = herder
    this.#keys = new PasswordKeys(herder, clock)
  }

  operations(): MaskedOperations {
    const herder = this.#herder
    return {
      connectorInfo: async (connector) => await this.#shown(await herder.connectorInfo(connector)),
      connectorConfig: async (connector) => {
        const config = await herder.connectorConfig(connector)
        return maskedConfig(config, await this.#keys.of(config))
      },
      taskInfos: async (connector) => {
        const [infos, config] = await Promise.all([herder.taskInfos(connector), herder.connectorConfig(connector)])
        const isPassword = await this.#keys.of(config)
        return infos.map((info) =>
          Object.assign({}, info, { config: maskedTaskConfig(info.config, config, isPassword) }),
        )
      },
      createConnector: async (connector, config, state, signal) => {
        await this.#refuseMasks(config)
        return await this.#result(herder.createConnector(connector, config, state, signal))
      },
      putConnectorConfig: async (...args) => await this.#result(this.#put(...args)),
      patchConnectorConfig: async (...args) => await this.#result(this.#patch(...args)),
      validateConnectorConfig: async (config, signal) => await this.#validate(config, signal),
    }
  }

  /** A mask keeps the password that is stored when the config is written, not the one that was read. */
  async #put(connector: string, config: SubmittedConfig, signal: AbortSignal): Promise<SubmittedConnector> {
    const stored = await this.#stored(connector, config)
    const kept = await this.#kept(config, stored)
    const rest = without(config, kept)
    await this.#refuseMasks(config, rest)
    if (kept.size === 0) return await this.#herder.putConnectorConfig(connector, config, signal)
    // A null is refused in a config, and removes a key in a patch.
    if (Object.values(rest).includes(null))
      return await this.#herder.putConnectorConfig(connector, { ...stored, ...rest }, signal)
    const removed = Object.keys(stored).filter((key) => !Object.hasOwn(config, key))
    const patch = { ...Object.fromEntries(removed.map((key) => [key, null])), ...rest }
    return await this.#herder.patchConnectorConfig(connector, patch, signal)
  }

  async #patch(connector: string, patch: SubmittedConfig, signal: AbortSignal): Promise<SubmittedConnector> {
    const stored = await this.#stored(connector, patch)
    const rest = without(patch, await this.#kept(patch, stored))
    await this.#refuseMasks({ ...stored, ...patch }, rest)
    return await this.#herder.patchConnectorConfig(connector, rest, signal)
  }

  /** A mask for which there is no password is an error of its key. */
  async #validate(config: SubmittedConfig, signal: AbortSignal): Promise<ConfigInfos> {
    const stored = await this.#stored(config['name'] ?? '', config)
    const kept = await this.#kept(config, stored)
    const before = Object.fromEntries([...kept].map((key) => [key, stored[key] ?? '']))
    const infos = await this.#herder.validateConnectorConfig({ ...config, ...before }, signal)
    if (!mayHoldMask(config)) return infos
    const isPassword = await this.#keys.of(config)
    const unknown = maskKeys(without(config, kept), isPassword)
    const shown = infos.configs.map(({ definition, value }) => {
      const errors = unknown.includes(value.name) ? [...value.errors, messageOf(value.name)] : value.errors
      return { definition, value: { ...value, errors } }
    })
    const missing = unknown.filter((key) => !infos.configs.some(({ value }) => value.name === key))
    const added = missing.map((key) => undefinedValue(key, [messageOf(key)]))
    return { ...infos, errorCount: infos.errorCount + unknown.length, configs: [...added, ...shown] }
  }

  /** The config of a connector, for the passwords that a submitted one may stand for; empty when there is none. */
  async #stored(connector: string, submitted: SubmittedConfig): Promise<RawConfig> {
    if (!mayHoldMask(submitted)) return {}
    try {
      return await this.#herder.connectorConfig(connector)
    } catch (error) {
      if (error instanceof NotFoundError) return {}
      throw error
    }
  }

  async #kept(submitted: SubmittedConfig, stored: RawConfig): Promise<ReadonlySet<string>> {
    if (Object.keys(stored).length === 0) return new Set()
    return keptKeys(submitted, stored, await this.#keys.of(stored))
  }

  /**
   * @param config whose plugins tell which keys are passwords
   * @throws BadRequestError when a password is a mask
   */
  async #refuseMasks(config: SubmittedConfig, checked: SubmittedConfig = config): Promise<void> {
    if (!mayHoldMask(checked)) return
    const [key] = maskKeys(checked, await this.#keys.of(config))
    if (key !== undefined) throw new BadRequestError(messageOf(key))
  }

  async #result(submitted: Promise<SubmittedConnector>): Promise<SubmittedConnector> {
    const result = await submitted
    return { ...result, info: await this.#shown(result.info) }
  }

  async #shown(info: ConnectorInfo): Promise<ConnectorInfo> {
    return { ...info, config: maskedConfig(info.config, await this.#keys.of(info.config)) }
  }
}

function without(config: SubmittedConfig, keys: ReadonlySet<string>): SubmittedConfig {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !keys.has(key)))
}

function messageOf(key: string): string {
  return `Configuration "${key}" is the mask "${mask}", in place of which ${setting} hides a password, and there is no stored password for it. Send the password, or a reference to it`
}
