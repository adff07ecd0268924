import type { Connector, ParsedConfig, RawConfig } from 'penstock/api'

import { shareText } from './config/settings.ts'
import type { S3SourceKey } from './config/config.ts'

const share: S3SourceKey = 'task.share'

/** Each task finds the partitions of its share by itself, also those that appear later. */
export class S3SourceConnector implements Connector {
  #raw: RawConfig = {}

  async start(_config: ParsedConfig, raw: RawConfig): Promise<void> {
    this.#raw = raw
  }

  async taskConfigs(maxTasks: number): Promise<readonly RawConfig[]> {
    return Array.from({ length: maxTasks }, (_, task) => ({
      ...this.#raw,
      [share]: shareText({ task, tasks: maxTasks }),
    }))
  }

  async stop(): Promise<void> {
    this.#raw = {}
  }
}
