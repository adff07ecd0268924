import { plugin } from '../../../connectors/elasticsearch-sink/index.ts'
import { HttpFaults } from '../http-faults.ts'
import { MemoryLog, SinkTaskHarness } from '../task/sink-task-harness.ts'
import { ElasticsearchClient } from './elasticsearch-client.ts'

let beds = 0

/** A topic with a name of its own, and sinks that write it to a real server, through a proxy that breaks what it is told to break. */
export class SinkBed {
  readonly topic: string
  readonly log = new MemoryLog()
  readonly client: ElasticsearchClient
  readonly faults: HttpFaults
  readonly #address: string

  private constructor(address: string, faults: HttpFaults) {
    beds += 1
    this.topic = `bed-${process.pid}-${Date.now().toString(36)}-${beds}`
    this.client = new ElasticsearchClient(address)
    this.faults = faults
    this.#address = address
  }

  static async open(address: string): Promise<SinkBed> {
    return new SinkBed(address, await HttpFaults.before(address))
  }

  /** A sink that has started. */
  async sink(more: Record<string, string> = {}): Promise<SinkTaskHarness> {
    const config = {
      name: 'es',
      topics: this.topic,
      'connection.url': this.faults.url,
      'retry.backoff.ms': '5',
      ...more,
    }
    const task = new SinkTaskHarness(plugin, config, this.log)
    await task.start()
    return task
  }

  /** Delivers what lies in the log with a sink that ends gracefully. */
  async deliver(more: Record<string, string> = {}): Promise<SinkTaskHarness> {
    const task = await this.sink(more)
    await task.deliver()
    await task.finish()
    return task
  }

  /** The documents of an index, by default of the topic's, as pairs of id and JSON, in the order of the ids. */
  async documents(index = this.topic): Promise<[id: string, source: string][]> {
    return [...(await this.client.documents(index))].toSorted(([a], [b]) => (a < b ? -1 : 1))
  }

  /** The mapping of an index that is named after the topic. */
  async properties(index = this.topic): Promise<Readonly<Record<string, unknown>>> {
    const found = (await this.client.json('GET', `/${index}/_mapping`)) as Record<string, Mapped>
    return found[index]?.mappings.properties ?? {}
  }

  async close(): Promise<void> {
    await this.faults.close()
    // Servers without data streams reject the second and third.
    for (const path of [`${this.topic}*`, `_data_stream/*${this.topic}*`, `_index_template/*${this.topic}*`])
      await fetch(`${this.#address}/${path}`, { method: 'DELETE' })
  }
}

interface Mapped {
  readonly mappings: { readonly properties?: Readonly<Record<string, unknown>> }
}
