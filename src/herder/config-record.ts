import type { RawConfig } from '../api/config-def.ts'
import type { TargetState } from './entities/target-state.ts'

export type ConfigRecord =
  | { readonly type: 'connector'; readonly connector: string; readonly config: RawConfig | null }
  | { readonly type: 'task'; readonly connector: string; readonly task: number; readonly config: RawConfig | null }
  | { readonly type: 'commit'; readonly connector: string; readonly tasks: number | null }
  | { readonly type: 'target-state'; readonly connector: string; readonly state: TargetState | null }
  | {
      readonly type: 'restart'
      readonly connector: string
      readonly onlyFailed: boolean
      readonly includeTasks: boolean
    }
