import { systemClock } from '../../../src/foundation/clock.ts'
import { fileConnectors } from '../../../src/plugin/built-in-plugins.ts'
import type { TaskSettings } from '../../../src/runtime/task-settings.ts'
import type { BlockingLimits } from '../../../src/runtime/task-thread-watch.ts'
import type { TaskListener } from '../../../src/runtime/task-listener.ts'
import { Lease } from '../../../src/runtime/thread/lease.ts'
import { TaskThreads } from '../../../src/runtime/task-threads.ts'
import { testPlugins } from '../plugins/descriptors.ts'
import { LogLevels } from '../../../src/foundation/logging/log-levels.ts'
import { quietLogger } from '../quiet-logger.ts'

const json = { className: 'org.apache.kafka.connect.json.JsonConverter', config: {} }

/** Task threads with the file connectors and the plugins of the tests. */
export function taskThreads(options: {
  readonly settings: Pick<TaskSettings, 'bootstrapServers' | 'offsetFlushTimeoutMs' | 'gracefulMs'>
  readonly maxThreads: number
  readonly blocking: BlockingLimits
  readonly listener: Partial<TaskListener>
}): TaskThreads {
  const { settings, maxThreads, blocking, listener } = options
  return new TaskThreads({
    settings: {
      workerGroup: 'workers',
      security: { tls: null, sasl: null },
      keyConverter: json,
      valueConverter: json,
      headerConverter: { className: 'org.apache.kafka.connect.storage.SimpleHeaderConverter', config: {} },
      offsetTopic: 'offsets',
      offsetFlushIntervalMs: 1000,
      producer: {},
      consumer: {},
      ...settings,
    },
    foundPlugins: [...testPlugins, ...fileConnectors],
    providers: { settings: [], secrets: [] },
    maxThreads,
    blocking,
    logLevels: LogLevels.startingAt('warn'),
    lease: endlessLease(),
    logSink: { write: () => undefined },
    logger: quietLogger(),
    clock: systemClock,
    listener: {
      onTaskState: () => undefined,
      onTaskFailed: () => undefined,
      onTaskMoved: () => undefined,
      onTaskTopic: () => undefined,
      onTaskSecrets: () => undefined,
      ...listener,
    },
    readOffsets: async () => [],
  })
}

function endlessLease(): Lease {
  const lease = Lease.create()
  lease.extend(3_600_000)
  return lease
}
