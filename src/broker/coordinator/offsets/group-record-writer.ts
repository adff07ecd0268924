import type { LogStreaks } from '../../../foundation/logging/log-streaks.ts'
import { errorCodes } from '../../../protocol/error-codes.ts'
import type { CoordinatorRecord } from '../coordinator-records.ts'
import type { CoordinatorLog } from './offsets-topic.ts'

/** Writes records of groups to the offsets topic. Failures become an error code that clients retry. */
export class GroupRecordWriter {
  readonly #log: CoordinatorLog
  readonly #streaks: LogStreaks

  constructor(log: CoordinatorLog, streaks: LogStreaks) {
    this.#log = log
    this.#streaks = streaks
  }

  /** Returns an error code once the records are durable or could not be written. */
  async append(groupId: string, records: () => readonly CoordinatorRecord[]): Promise<number> {
    try {
      await this.#log.append(groupId, records())
      return errorCodes.NONE
    } catch (error) {
      const fields = { group: groupId, cause: String(error) }
      // Not counted by client: no client causes a full disk.
      const cause = { kind: 'group state', client: '' }
      this.#streaks.log('error', cause, 'the state of a group could not be stored', fields)
      return errorCodes.COORDINATOR_NOT_AVAILABLE
    }
  }
}
