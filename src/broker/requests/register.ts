import type { Api } from '../../protocol/schema.ts'
import type { BrokerState } from '../broker-state.ts'
import { defineHandler, type Handle, type Handler, type HandlerOptions } from './handler.ts'

/** The parts of the broker that a handler uses. */
export type Needs<Key extends keyof BrokerState> = Pick<BrokerState, Key>

/** One Kafka API that the broker can serve. It stands beside its handler; `served-apis.ts` lists all of them. */
export interface Registration<Needed = BrokerState> {
  readonly api: Api
  /** Whether a broker with this configuration serves the API. */
  readonly isServed: (broker: Needed) => boolean
  readonly createHandler: (broker: Needed) => Handler
}

/**
 * Registers the handler of an API.
 * @param create returns the function that handles requests; its parameter names what the handler needs of the broker.
 * @param options.isServed decides whether the API is served at all; it always is by default.
 */
export function register<A extends Api, Needed>(
  api: A,
  create: (broker: Needed) => Handle<A>,
  options: HandlerOptions & { readonly isServed?: (broker: Needed) => boolean } = {},
): Registration<Needed> {
  const { isServed = () => true, ...handlerOptions } = options
  return { api, isServed, createHandler: (broker) => defineHandler(api, create(broker), handlerOptions) }
}
