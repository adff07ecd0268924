import {
  present,
  type ConfigDef,
  type Connector,
  type ConnectorPlugin,
  type ParsedConfig,
  type RawConfig,
} from 'penstock/api'

import { FileSinkTask } from './file-sink-task.ts'

const fileSinkConfig = {
  file: {
    type: 'STRING',
    defaultValue: null,
    importance: 'HIGH',
    doc: 'Destination filename. If not specified, the standard output will be used',
  },
} as const satisfies ConfigDef

class FileSinkConnector implements Connector {
  #raw: RawConfig | null = null

  async start(_config: ParsedConfig, raw: RawConfig): Promise<void> {
    this.#raw = raw
  }

  async taskConfigs(maxTasks: number): Promise<readonly RawConfig[]> {
    const raw = present(this.#raw, 'config')
    return Array.from({ length: maxTasks }, () => raw)
  }

  async stop(): Promise<void> {}
}

/** `org.apache.kafka.connect.file.FileStreamSinkConnector`: values become lines of a file. */
export const plugin: ConnectorPlugin = {
  kind: 'sink',
  className: 'org.apache.kafka.connect.file.FileStreamSinkConnector',
  aliases: [],
  version: '3.9.1',
  configDef: fileSinkConfig,
  // The file holds no offsets.
  alterSinkOffsets: () => true,
  createConnector: () => new FileSinkConnector(),
  createTask: () => new FileSinkTask(),
}
