import type { LabelledSample } from '../../foundation/metrics/meters.ts'
import { gauge } from '../../foundation/metrics/prometheus-text.ts'
import { version } from '../version.ts'

/** The resources that the process uses, all threads included. */
export function processSamples(): readonly LabelledSample[] {
  const { user, system } = process.cpuUsage()
  const memory = process.memoryUsage()
  return [
    gauge('process_resident_memory_bytes', 'Memory of the process that is in RAM', memory.rss),
    gauge('process_external_memory_bytes', 'Memory of buffers, of the main thread', memory.external),
    gauge(
      'process_start_time_seconds',
      'When the process started, in seconds of the epoch',
      Math.round(performance.timeOrigin) / 1000,
    ),
    gauge('build_info', 'Versions of Penstock and Node; always 1', 1, {
      version: version(),
      node: process.version,
    }),
    {
      sample: {
        kind: 'counter',
        name: 'process_cpu_seconds_total',
        help: 'Processor time of all threads',
        value: (user + system) / 1e6,
      },
      labels: {},
    },
    {
      sample: {
        kind: 'counter',
        name: 'event_loop_active_seconds_total',
        help: 'Time that the event loop of the main thread was not idle',
        value: performance.eventLoopUtilization().active / 1000,
      },
      labels: {},
    },
  ]
}
