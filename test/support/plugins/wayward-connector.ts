import { appendFileSync, existsSync } from 'node:fs'

import {
  systemClock,
  type Connector,
  type ConnectorPlugin,
  type RawConfig,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from 'penstock/api'

const pollMs = 10

/**
 * A source that shows in a file, its `journal`, that it runs: a line `<connector> <instance>` every few milliseconds.
 * `on.start` is empty, or `late` (it returns once the file `release` is there); `on.poll` is empty, `hang` (and does not heed its signal), `spin`, or `wait` (busy until the file `release` is there);
 * `on.stop` is empty, `late` (once `release` is there), `never` or `throw`. Until its stop returns it continues writing.
 */
class WaywardTask implements SourceTask {
  readonly #instance = Math.random().toString(36).slice(2)
  #raw: RawConfig = {}
  #timer: NodeJS.Timeout | undefined
  #polls = 0

  async start(context: SourceTaskContext): Promise<void> {
    this.#raw = context.raw
    this.#timer = setInterval(() => this.#write(), pollMs)
    if (this.#raw['on.start'] === 'late') await this.#released()
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    await systemClock.sleep(pollMs, signal)
    this.#polls += 1
    const what = this.#polls > 3 ? this.#raw['on.poll'] : ''
    if (what === 'hang') await new Promise(() => undefined)
    if (what === 'spin') spinAway()
    if (what === 'wait') while (!this.#isReleased()) Math.random()
    return null
  }

  async commit(): Promise<void> {}

  async stop(): Promise<void> {
    const what = this.#raw['on.stop']
    if (what === 'throw') throw new TypeError('it does not stop')
    if (what === 'never') await new Promise(() => undefined)
    if (what === 'late') await this.#released()
    clearInterval(this.#timer)
  }

  #write(): void {
    appendFileSync(this.#raw['journal'] ?? '', `${this.#raw['name']} ${this.#instance}\n`)
  }

  async #released(): Promise<void> {
    while (!this.#isReleased()) await systemClock.sleep(pollMs)
  }

  #isReleased(): boolean {
    return existsSync(this.#raw['release'] ?? '')
  }
}

function spinAway(): never {
  for (;;) Math.random()
}

class WaywardConnector implements Connector {
  #raw: RawConfig = {}

  async start(_config: unknown, raw: RawConfig): Promise<void> {
    this.#raw = raw
  }

  async taskConfigs(): Promise<readonly RawConfig[]> {
    return [this.#raw]
  }

  async stop(): Promise<void> {}
}

export const plugin: ConnectorPlugin = {
  kind: 'source',
  className: 'test.WaywardConnector',
  aliases: [],
  version: '1',
  configDef: {},
  replays: false,
  createConnector: () => new WaywardConnector(),
  createTask: () => new WaywardTask(),
}
