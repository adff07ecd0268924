import { atLeast, DataError, nonEmptyString, parseJson, primitive, struct } from 'penstock/api'

import { request } from './request.js'

/** @import { Connector, ConnectorPlugin, RawConfig, SourceRecord, SourceTask, SourceTaskContext } from 'penstock/api' */

const keySchema = primitive('INT64')
const valueSchema = struct([
  ['id', primitive('INT64')],
  ['text', primitive('STRING')],
])

/** @implements {Connector} */
class FeedConnector {
  /** @type {RawConfig} */
  #raw = {}

  /**
   * @param {unknown} _config
   * @param {RawConfig} raw
   */
  async start(_config, raw) {
    this.#raw = raw
  }

  /** A feed is read in order, by one task. */
  async taskConfigs() {
    return [this.#raw]
  }

  async stop() {}
}

/** Reads entries in the order of their ids. The offset of a record is its id. @implements {SourceTask} */
class FeedTask {
  #stopped = new AbortController()
  /** @type {SourceTaskContext | null} */
  #context = null
  #last = 0

  /** @param {SourceTaskContext} context */
  async start(context) {
    this.#context = context
    const [stored] = await context.readOffsets([partitionOf(context)])
    this.#last = Number(stored?.['id'] ?? 0)
  }

  /** @param {AbortSignal} signal */
  async poll(signal) {
    const { clock, config } = this.#started()
    const bound = AbortSignal.any([signal, this.#stopped.signal])
    while (!bound.aborted) {
      try {
        const records = await this.#read(bound)
        if (records.length > 0) return records
        await clock.sleep(Number(config['poll.interval.ms']), bound)
      } catch (error) {
        if (!bound.aborted) throw error
      }
    }
    return null
  }

  async commit() {}

  async stop() {
    this.#stopped.abort()
  }

  /**
   * @param {AbortSignal} signal
   * @returns {Promise<readonly SourceRecord[]>}
   */
  async #read(signal) {
    const context = this.#started()
    const { config, clock } = context
    const text = await request(clock, `${config['url']}?after=${this.#last}&limit=${config['batch.size']}`, {}, signal)
    const entries = parseJson(text)
    if (!Array.isArray(entries)) throw new DataError(`the feed ${config['url']} is no list`, { code: 'EXAMPLE_FEED' })
    const records = entries.map((entry) => recordOf(context, entry))
    this.#last = Number(records.at(-1)?.sourceOffset['id'] ?? this.#last)
    return records
  }

  #started() {
    if (this.#context === null) throw new DataError('the task was not started')
    return this.#context
  }
}

/** @param {SourceTaskContext} context */
function partitionOf(context) {
  return { feed: String(context.config['url']) }
}

/**
 * @param {SourceTaskContext} context
 * @param {unknown} entry
 * @returns {SourceRecord}
 */
function recordOf(context, entry) {
  const { id, text } = /** @type {{ id?: unknown, text?: unknown }} */ (entry ?? {})
  if (typeof id !== 'number' || typeof text !== 'string')
    throw new DataError(`the feed has an entry without id and text: ${JSON.stringify(entry)}`, { code: 'EXAMPLE_FEED' })
  return {
    topic: String(context.config['topic']),
    partition: null,
    keySchema,
    key: id,
    valueSchema,
    value: [id, text],
    timestamp: context.clock.now(),
    headers: [],
    sourcePartition: partitionOf(context),
    sourceOffset: { id },
  }
}

/** @type {ConnectorPlugin} */
export const plugin = {
  kind: 'source',
  className: 'com.example.FeedSourceConnector',
  aliases: [],
  version: '1.0.0',
  configDef: {
    url: { type: 'STRING', importance: 'HIGH', doc: 'The URL of the feed.', validator: nonEmptyString },
    topic: { type: 'STRING', importance: 'HIGH', doc: 'The topic of the entries.', validator: nonEmptyString },
    'batch.size': {
      type: 'INT',
      defaultValue: 100,
      importance: 'LOW',
      doc: 'Entries of a request.',
      validator: atLeast(1),
    },
    'poll.interval.ms': {
      type: 'INT',
      defaultValue: 1000,
      importance: 'LOW',
      doc: 'Milliseconds between two requests when there are no entries.',
      validator: atLeast(1),
    },
  },
  async check(config) {
    const url = String(config['url'])
    return URL.canParse(url) ? [] : [{ key: 'url', message: `${url} is no URL. Write http://host:port/path.` }]
  },
  createConnector: () => new FeedConnector(),
  createTask: () => new FeedTask(),
}
