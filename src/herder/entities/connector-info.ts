import type { TaskId } from '../../config/connector/task-id.ts'
import type { RawConfig } from '../../api/config-def.ts'
import type { ConnectorType } from './connector-type.ts'

/** A connector as it was configured. */
export interface ConnectorInfo {
  readonly name: string
  /** As submitted, references to config providers unresolved; always with `name`. */
  readonly config: RawConfig
  /** The tasks known so far, by number; empty right after creation. */
  readonly tasks: readonly TaskId[]
  readonly type: ConnectorType
}
