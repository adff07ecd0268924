import { ConnectError } from '../../api/errors.ts'
import type { Rule } from './rules.ts'

/** The last calls that a message shows. */
const shownCalls = 25

export interface Violation {
  /** The class name of the plugin. */
  readonly subject: string
  /** The name of the case. */
  readonly name: string
  readonly rule: Rule
  /** What the plugin did, and what it had to do, as a sentence. */
  readonly did: string
  /** The calls that led there, in order. */
  readonly calls: readonly string[]
  readonly cause?: unknown
}

/** A plugin does not hold what the API's documentation says. The message has the calls that show it. */
export class ContractError extends ConnectError {
  constructor({ subject, name, rule, did, calls, cause }: Violation) {
    super(
      [
        `${subject} does not hold its contract: ${name}`,
        `what it did:     ${did}`,
        `the contract:    ${rule.where} of penstock/api: "${rule.says}"`,
        'to see it again: run this case alone. It made these calls:',
        ...callsOf(calls),
      ].join('\n'),
      cause === undefined ? {} : { cause },
    )
  }
}

function callsOf(calls: readonly string[]): readonly string[] {
  if (calls.length === 0) return ['  none']
  const left = calls.length - shownCalls
  const shown = calls.slice(-shownCalls).map((call) => `  ${call}`)
  return left > 0 ? [`  … ${left} calls before`, ...shown] : shown
}
