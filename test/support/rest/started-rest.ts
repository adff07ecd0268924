import { Meters } from '../../../src/foundation/metrics/meters.ts'
import { startRest, type RestOptions, type RestServer } from '../../../src/rest/rest-server.ts'
import { ManualClock } from '../manual-clock.ts'
import { quietLogger } from '../quiet-logger.ts'
import { MemoryHerder } from './memory-herder.ts'

/** A REST API on a free port of the loopback interface, over a herder in memory. `options` are the parts that a test has itself. */
export async function startedRest(options: Partial<RestOptions> = {}): Promise<RestServer> {
  return await startRest({
    herder: new MemoryHerder(),
    listeners: [{ host: '127.0.0.1', port: 0 }],
    clock: new ManualClock(),
    logger: quietLogger(),
    meters: new Meters(),
    metrics: () => '',
    ...options,
  })
}
