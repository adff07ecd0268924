import type { DefinedMappings } from './index-definition.ts'
import type { Properties } from './mapping.ts'
import type { Call, Response } from '../client/cluster.ts'

/** Sends a request, with retries. */
export type Request = (call: Call) => Promise<Response>

/** What an index is created with. `_meta` of the mapping names the topic that it is for, if it is for one. */
export interface CreatedIndex {
  readonly settings?: Readonly<Record<string, unknown>>
  readonly mappings: DefinedMappings
}

/** What the sink writes to, and creates where it is missing: indices, or data streams. */
export interface Targets {
  /** Returns whether it was created like this; false when it has another one. @throws ConnectError when it is rejected. */
  create(name: string, created: CreatedIndex, request: Request): Promise<boolean>
  /** The mapping has got these fields. */
  extended(name: string, properties: Properties, request: Request): Promise<void>
}
