import type { Logger } from '../../../src/foundation/logging/logger.ts'
import { Actor } from './actor.ts'
import { Network } from './network.ts'
import { Random } from './random.ts'
import { drawSettings, type Settings } from './settings.ts'
import { seedProcess } from './seeded-process.ts'
import { Timeline } from './timeline.ts'
import { Trace } from './trace.ts'

/** What all parts of one run share. Everything in it follows from the seed. */
export class Simulation {
  readonly trace: Trace
  readonly timeline: Timeline
  readonly random: Random
  readonly settings: Settings
  readonly network: Network
  readonly logger: Logger
  /** Acts for the test itself: it is never frozen. */
  readonly director: Actor
  readonly violations: string[] = []
  /** Whether nothing fails any more, and nothing is slow. */
  isCalm = false
  readonly #globalRandom: Random

  /** @param onLine receives what happens, line by line; null: only its hash is kept */
  constructor(seed: number, onLine: ((line: string) => void) | null = null) {
    const random = new Random(seed)
    this.trace = new Trace(onLine)
    this.timeline = new Timeline(this.trace)
    this.random = random
    this.settings = drawSettings(random.fork('settings'))
    this.network = new Network(this.timeline, random.fork('network'), this.settings.delays)
    this.director = new Actor(this.timeline, 'director', 'director')
    this.logger = tracingLogger(this, 'log')
    this.#globalRandom = random.fork('process')
    seedProcess(this.#globalRandom)
  }

  /** The random numbers that components have drawn so far. */
  get draws(): number {
    return this.#globalRandom.draws
  }

  /** Notes something that the test does. */
  note(what: string): void {
    this.trace.add(this.timeline.nowMs, 'director', what)
  }

  /** Something has happened that must not happen. */
  violated(what: string): void {
    this.trace.add(this.timeline.nowMs, 'oracle', what)
    this.violations.push(`at ${(this.timeline.nowMs / 1000).toFixed(3)} s: ${what}`)
  }
}

/** Lines are part of the trace, without fields: those may name what is on the real disk. */
function tracingLogger(simulation: Pick<Simulation, 'trace' | 'timeline'>, name: string): Logger {
  const log =
    (level: string) =>
    (message: string): void =>
      simulation.trace.add(simulation.timeline.nowMs, name, `${level} ${message}`)
  return {
    name,
    trace: log('trace'),
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (child) => tracingLogger(simulation, `${name}.${child}`),
  }
}
