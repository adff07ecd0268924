import type { ErrantRecordReporter, ReportedRecord } from '../../../src/api/task.ts'
import { deferred, type Deferred } from '../../../src/foundation/async/deferred.ts'

/** A dead letter queue in memory. What it gets is durable when the test says so. */
export class KeptReports implements ErrantRecordReporter {
  readonly keepsRecords = true
  /** Place and message of each report. */
  readonly reports: string[] = []
  #durable: Deferred<void> | null = null

  /** Reports are not durable until {@link release}. */
  hold(): void {
    this.#durable ??= deferred<void>()
  }

  release(): void {
    this.#durable?.resolve()
    this.#durable = null
  }

  async report({ originalTopic, originalPartition, originalOffset }: ReportedRecord, error: Error): Promise<void> {
    this.reports.push(`${originalTopic}-${originalPartition}@${originalOffset}: ${error.message}`)
    await this.#durable?.promise
  }
}
