import type { Properties } from './mapping.ts'
import type { Call, Response } from '../client/cluster.ts'

/** Sends a request, with retries. */
export type Request = (call: Call) => Promise<Response>

/** The mapping of an index that the sink creates. `_meta` names the topic that it is for. */
export interface CreatedMapping {
  readonly _meta: { readonly penstock: { readonly topic: string } }
  readonly properties?: Properties
}

/** What the sink writes to, and creates where it is missing: indices, or data streams. */
export interface Targets {
  /** Returns whether it was created with this mapping; false when it has another one. @throws ConnectError when it is rejected. */
  create(name: string, mappings: CreatedMapping, request: Request): Promise<boolean>
  /** The mapping has got these fields. */
  extended(name: string, properties: Properties, request: Request): Promise<void>
}
