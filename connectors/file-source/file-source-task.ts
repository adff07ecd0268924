import {
  ConnectError,
  present,
  primitive,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from 'penstock/api'

import { FileInput, standardInput, type LineInput } from './line-input.ts'
import { LineSplitter } from './line-splitter.ts'

const string = primitive('STRING')
const idleMs = 250

/** Reads the lines of a file, and those that are appended to it. The offset is the byte after the line. */
export class FileSourceTask implements SourceTask {
  #context: SourceTaskContext | null = null
  #input: LineInput | null = null
  #lines = new LineSplitter()
  #file: string | null = null
  #position = 0

  async start(context: SourceTaskContext): Promise<void> {
    const file = context.config['file']
    this.#context = context
    this.#file = typeof file === 'string' && file !== '' ? file : null
    if (this.#file === null) {
      this.#input = standardInput(context.logger)
      return
    }
    const [offset] = await context.readOffsets([{ filename: this.#file }])
    this.#position = positionOf(offset?.['position'] ?? 0)
    this.#input = new FileInput(this.#file, this.#position, context.logger)
  }

  async poll(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    const context = present(this.#context, 'context')
    const limit = Math.max(1, Number(context.config['batch.size']))
    for (;;) {
      const records = this.#take(limit, context)
      if (records.length > 0) return records
      const bytes = await present(this.#input, 'input').read()
      if (bytes !== null) this.#lines.push(bytes)
      else if (!(await slept(context, signal))) return null
    }
  }

  // A file needs no acknowledgement.
  async commit(): Promise<void> {}

  async stop(): Promise<void> {
    await this.#input?.close()
  }

  #take(limit: number, { config, clock }: SourceTaskContext): SourceRecord[] {
    const records: SourceRecord[] = []
    while (records.length < limit) {
      const line = this.#lines.next()
      if (line === null) break
      this.#position += line.bytes
      records.push({
        topic: String(config['topic']),
        partition: null,
        keySchema: null,
        key: null,
        valueSchema: string,
        value: line.text,
        timestamp: clock.now(),
        headers: [],
        sourcePartition: { filename: this.#file },
        sourceOffset: { position: this.#file === null ? null : this.#position },
      })
    }
    return records
  }
}

async function slept({ clock }: SourceTaskContext, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(idleMs, signal)
    return true
  } catch (error) {
    if (signal.aborted) return false
    throw error
  }
}

function positionOf(stored: unknown): number {
  if (typeof stored === 'number' && Number.isInteger(stored) && stored >= 0) return stored
  throw new ConnectError(
    `FILE_OFFSET: the stored position ${String(stored)} is not a byte offset. Reset the connector's offsets: DELETE /connectors/{name}/offsets`,
  )
}
