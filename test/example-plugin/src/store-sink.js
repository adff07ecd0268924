import { ConnectError, nonEmptyString, plainJson } from 'penstock/api'

import { request } from './request.js'

/** @import { Connector, ConnectorPlugin, OffsetToCommit, RawConfig, SinkRecord, SinkTask, SinkTaskContext } from 'penstock/api' */

/** @implements {Connector} */
class StoreConnector {
  /** @type {RawConfig} */
  #raw = {}

  /**
   * @param {unknown} _config
   * @param {RawConfig} raw
   */
  async start(_config, raw) {
    this.#raw = raw
  }

  /**
   * The worker divides the partitions among the tasks.
   * @param {number} maxTasks
   */
  async taskConfigs(maxTasks) {
    return Array.from({ length: maxTasks }, () => this.#raw)
  }

  async stop() {}
}

/** Writes each batch in one request. The store overwrites by name, so a repetition changes nothing. @implements {SinkTask} */
class StoreTask {
  #stopped = new AbortController()
  /** @type {SinkTaskContext | null} */
  #context = null

  /** @param {SinkTaskContext} context */
  async start(context) {
    this.#context = context
  }

  async open() {}

  /** @param {readonly SinkRecord[]} records */
  async put(records) {
    const context = this.#context
    if (context === null) throw new ConnectError('the task was not started')
    if (records.length === 0) return
    const entries = records.map(({ originalTopic, originalPartition, originalOffset, value }) => ({
      name: `${originalTopic}-${originalPartition}-${originalOffset}`,
      value: value === null ? null : plainJson(value),
    }))
    const options = { method: 'PUT', body: JSON.stringify(entries) }
    await request(context.clock, String(context.config['url']), options, this.#stopped.signal)
  }

  /**
   * The store has all that was put.
   * @param {readonly OffsetToCommit[]} current
   */
  async preCommit(current) {
    return current
  }

  async flush() {}
  async close() {}

  async stop() {
    this.#stopped.abort(new ConnectError('the task was stopped'))
  }
}

/** @type {ConnectorPlugin} */
export const plugin = {
  kind: 'sink',
  className: 'com.example.StoreSinkConnector',
  aliases: [],
  version: '1.0.0',
  configDef: {
    url: { type: 'STRING', importance: 'HIGH', doc: 'The URL of the store.', validator: nonEmptyString },
  },
  async check(config) {
    const url = String(config['url'])
    return URL.canParse(url) ? [] : [{ key: 'url', message: `${url} is no URL. Write http://host:port/path.` }]
  },
  createConnector: () => new StoreConnector(),
  createTask: () => new StoreTask(),
}
