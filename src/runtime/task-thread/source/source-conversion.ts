import type { ConnectRecord } from '../../../api/record.ts'
import type { OutgoingRecord } from '../../../client/producer/outgoing-record.ts'
import { abortable } from '../../../foundation/async/abortable.ts'
import { isRetriable } from '../../failures.ts'
import { ConversionNotReadyError } from '../conversion/conversion-not-ready-error.ts'
import type { RecordEncoder } from '../conversion/record-encoder.ts'
import type { RetryStreak } from '../retry-streak.ts'
import type { TaskControl } from '../task-control.ts'

export interface SourceConversionOptions {
  readonly encoder: RecordEncoder
  readonly control: TaskControl
  readonly retries: RetryStreak
}

/** Encodes records in their order. A record whose converters are not ready keeps its place, and those after it wait. */
export class SourceConversion {
  readonly #options: SourceConversionOptions
  #wait: ConversionNotReadyError | null = null

  constructor(options: SourceConversionOptions) {
    this.#options = options
  }

  /** Returns null when a converter is not ready: then {@link encodeWhenReady} follows. @throws DataError */
  encode(record: ConnectRecord): OutgoingRecord | null {
    try {
      return this.#options.encoder.encode(record)
    } catch (error) {
      if (!(error instanceof ConversionNotReadyError)) throw error
      this.#wait = error
      return null
    }
  }

  /** Waits, with retries, until the converters are ready. Returns null when the task ends before. @throws DataError */
  async encodeWhenReady(record: ConnectRecord): Promise<OutgoingRecord | null> {
    return await this.#options.retries.retried('conversion', async () => {
      let outgoing: OutgoingRecord | null = null
      while (outgoing === null) {
        await this.#ready()
        outgoing = this.encode(record)
      }
      return outgoing
    })
  }

  async #ready(): Promise<void> {
    const wait = this.#wait
    if (wait === null) return
    const { stopSignal } = this.#options.control
    try {
      await abortable(wait.ready(stopSignal), stopSignal)
    } catch (error) {
      throw isRetriable(error) ? error : wait.explain(error)
    }
    this.#wait = null
  }
}
