import type { RawConfig } from '../../api/config-def.ts'
import type { ConnectorPlugin } from '../../api/connector.ts'
import type { Closable, SuiteOptions } from '../contract/contract-case.ts'

/** A config that a user might write by mistake. */
export interface WrongConfig {
  /** What it is, for the name of the case: `a port without a server`. */
  readonly what: string
  /** Replaces keys of the fixture's config; null removes one. */
  readonly change: Readonly<Record<string, string | null>>
  /** The keys that validation has to name. */
  readonly names: readonly string[]
}

/** What a case of a connector needs besides the plugin. Every case prepares its own. */
export interface ConnectorFixture extends Closable {
  /** A valid config, as a user writes it. `name` and `topics` are the worker's keys and may be left out. */
  readonly config: RawConfig
}

/** The options of the suites of sources and sinks. */
export interface ConnectorOptions<F extends ConnectorFixture = ConnectorFixture> extends SuiteOptions {
  readonly plugin: ConnectorPlugin
  /** Prepares the system and the config for one case. */
  readonly prepare: () => F | Promise<F>
  readonly wrong?: readonly WrongConfig[] | undefined
  /**
   * Replaces keys of the fixture's config by values that are valid, and with which the task cannot work: a password that the
   * server rejects, a file that does not exist.
   */
  readonly unusable?: RawConfig | undefined
}

/** Lets a suite see what a task does while its system is unreachable. */
export interface Interruptible<F extends ConnectorFixture> {
  /** Makes the system of a running task unreachable, and returns how to make it reachable again. */
  readonly interrupt?: ((fixture: F) => Promise<() => Promise<void>>) | undefined
}
