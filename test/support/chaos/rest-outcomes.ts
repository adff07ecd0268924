/** What happens to the group while a request is in progress. */
export type Trouble = 'kill' | 'freeze' | 'terminate' | 'kill-broker'

/** A response that an operator has to expect, and why. */
interface ExpectedOutcome {
  readonly status: number
  readonly message: RegExp
  /** Whether the request was done: null: the response does not say. */
  readonly done: boolean | null
  /** Only while one of these happens; absent: at any time. */
  readonly during?: readonly Trouble[]
  readonly reason: string
}

/** The response to a request; status 0: there was none. */
export interface Outcome {
  readonly status: number
  readonly message: string
}

const anyTrouble = ['kill', 'freeze', 'terminate', 'kill-broker'] as const

/** Every response but a success that a request may get. All others are faults of the product. */
const expectedOutcomes: readonly ExpectedOutcome[] = [
  {
    status: 400,
    message: /^Connectors must be in the STOPPED state before their offsets can be modified/,
    done: false,
    reason: 'the connector is not stopped',
  },
  {
    status: 404,
    message: /not found|^Unknown (connector|task)/,
    done: false,
    reason: 'it does not exist, or the worker has not read of it yet',
  },
  { status: 409, message: /already exists$/, done: false, reason: 'it exists' },
  {
    status: 409,
    message: /^Cannot complete request (momentarily|because of a conflicting operation)/,
    done: false,
    reason: 'the leader or the owner changes, for longer than a request waits for it',
  },
  {
    status: 409,
    message: /before it had started$/,
    done: false,
    reason: 'it restarts, and a later change or the next assignment stops it before',
  },
  {
    status: 500,
    message: /^Worker is shutting down/,
    done: null,
    during: ['terminate'],
    reason: 'the worker has got SIGTERM',
  },
  {
    status: 500,
    message: /^IO Error trying to forward REST request/,
    done: null,
    during: ['kill', 'freeze', 'terminate'],
    reason: 'the worker that carries it out has ended, and may have done it before',
  },
  {
    status: 500,
    message: /^Request timed out/,
    done: null,
    during: ['freeze', 'kill-broker'],
    reason: 'the leader or the broker does not respond for 90 s',
  },
  {
    status: 500,
    message: /^Error (writing|reading) .* to Kafka topic/,
    done: null,
    during: ['kill-broker', 'freeze'],
    reason: 'the broker does not respond for 30 s, or the worker may not write',
  },
  {
    status: 0,
    message: /ECONNREFUSED/,
    done: false,
    during: ['kill', 'terminate'],
    reason: 'the worker does not run',
  },
  {
    status: 0,
    message: /ECONNRESET|socket|other side closed/,
    done: null,
    during: anyTrouble,
    reason: 'the worker has ended during the request',
  },
]

/**
 * Whether the request was done (null: not known), and why it has this response; null when no operator has to expect the response.
 */
export function judged(
  { status, message }: Outcome,
  troubles: ReadonlySet<Trouble>,
): { readonly done: boolean | null; readonly reason: string } | null {
  if (status >= 200 && status < 300) return { done: true, reason: 'it was done' }
  const expected = expectedOutcomes.find(
    (outcome) =>
      outcome.status === status &&
      outcome.message.test(message) &&
      (outcome.during === undefined || outcome.during.some((trouble) => troubles.has(trouble))),
  )
  return expected ?? null
}
