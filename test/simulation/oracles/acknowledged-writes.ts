import type { ConfigEntry } from '../../support/config/config-fold.ts'

/** A write of the configuration that a worker has acknowledged. */
export interface AcknowledgedWrite {
  /** For messages. */
  readonly what: string
  /** The end of the config topic before the request, and after its response. */
  readonly from: number
  readonly to: number
  /** Whether a record of the topic is this write. */
  readonly isOf: (entry: ConfigEntry) => boolean
}

/** What clients and tasks were told is written (I1): all of it has to be there at the end. */
export class AcknowledgedWrites {
  readonly configs: AcknowledgedWrite[] = []
  /** The values of records of tasks. */
  readonly records = new Set<string>()

  /** Returns the acknowledged writes that are missing in what is read now. */
  async missing(read: {
    readonly configs: () => Promise<readonly ConfigEntry[]>
    readonly records: () => Promise<readonly string[]>
  }): Promise<readonly string[]> {
    // Others are acknowledged while the topics are read.
    const [writes, values] = [[...this.configs], [...this.records]]
    const configs = await read.configs()
    const records = new Set(await read.records())
    return [
      ...writes
        .filter(
          ({ from, to, isOf }) => !configs.some((entry) => entry.offset >= from && entry.offset < to && isOf(entry)),
        )
        .map(({ what, from, to }) => `${what} is acknowledged, and not in the config topic from ${from} to ${to}`),
      ...values.filter((value) => !records.has(value)).map((value) => `record ${value} is acknowledged, and missing`),
    ]
  }
}
