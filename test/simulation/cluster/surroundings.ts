import type { AcknowledgedWrites } from '../oracles/acknowledged-writes.ts'
import type { Ownership } from '../oracles/ownership.ts'
import type { Simulation } from '../world/simulation.ts'
import type { RestNetwork } from './rest-network.ts'

/** What a worker and its tasks find around them. */
export interface Surroundings {
  readonly simulation: Simulation
  readonly bootstrapServers: string
  readonly rest: RestNetwork
  readonly ownership: Ownership
  readonly acknowledged: AcknowledgedWrites
  /** A number that no other call has returned. */
  nextNumber(): number
}
