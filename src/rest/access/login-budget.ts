import { isIPv6 } from 'node:net'
import type { Clock } from '../../foundation/clock.ts'

/** The failed log-ins that an address may have at once, and the time after which it may have one more. */
const capacity = 10
const refillMs = 6000
/** The addresses that are remembered (I10). */
const maxAddresses = 4096

/** Limits the failed log-ins of each address. A log-in is paid for before it is checked, and refunded when it succeeds. */
export class LoginBudget {
  readonly #clock: Clock
  /** When each network has its whole budget again; the one that was used longest ago is first. */
  readonly #fullAtMs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns 0 when the address may log in, or the milliseconds after which it may. */
  take(address: string): number {
    const network = networkOf(address)
    const nowMs = this.#clock.monotonic()
    const fullAtMs = this.#fullAt(network, nowMs) + refillMs
    const waitMs = fullAtMs - nowMs - capacity * refillMs
    if (waitMs > 0) return waitMs
    this.#fullAtMs.delete(network)
    this.#fullAtMs.set(network, fullAtMs)
    for (const oldest of this.#fullAtMs.keys()) {
      if (this.#fullAtMs.size <= maxAddresses) break
      this.#fullAtMs.delete(oldest)
    }
    return 0
  }

  refund(address: string): void {
    const network = networkOf(address)
    const nowMs = this.#clock.monotonic()
    const fullAtMs = this.#fullAt(network, nowMs) - refillMs
    if (fullAtMs <= nowMs) this.#fullAtMs.delete(network)
    else this.#fullAtMs.set(network, fullAtMs)
  }

  #fullAt(network: string, nowMs: number): number {
    return Math.max(this.#fullAtMs.get(network) ?? nowMs, nowMs)
  }
}

/** An address of IPv4; of IPv6 the network of 64 bits, of which one client has all addresses. */
function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  if (!isIPv6(address)) return address
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::')
  const groups = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length)
  const all = [...groups, ...Array.from({ length: zeros }, () => '0'), ...after]
  return all.slice(0, 4).join(':').toLowerCase()
}
