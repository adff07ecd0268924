import { present, type Connector, type ConnectorPlugin, type ParsedConfig, type RawConfig } from 'penstock/api'

import { fileSourceConfig } from './config.ts'
import { checkOffsetChanges } from './offset-changes.ts'
import { FileSourceTask } from './file-source-task.ts'

/** Creates one task, whatever `tasks.max` is, because a file has one reader. */
class FileSourceConnector implements Connector {
  #raw: RawConfig | null = null

  async start(_config: ParsedConfig, raw: RawConfig): Promise<void> {
    this.#raw = raw
  }

  async taskConfigs(): Promise<readonly RawConfig[]> {
    return [present(this.#raw, 'config')]
  }

  async stop(): Promise<void> {}
}

/** `org.apache.kafka.connect.file.FileStreamSourceConnector`: lines of a file become records. */
export const plugin: ConnectorPlugin = {
  kind: 'source',
  className: 'org.apache.kafka.connect.file.FileStreamSourceConnector',
  aliases: [],
  version: '3.9.1',
  configDef: fileSourceConfig,
  alterSourceOffsets: checkOffsetChanges,
  createConnector: () => new FileSourceConnector(),
  createTask: () => new FileSourceTask(),
}
