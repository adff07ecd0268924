import type { ReferenceResolver } from '../../../config/providers/config-providers.ts'
import type { ResolvedReferences } from '../../../config/providers/resolved-references.ts'
import {
  refreshCode,
  refreshProblem,
  reloads,
  SecretWatch,
  type SecretRefresh,
} from '../../../config/providers/secret-watch.ts'
import type { Clock } from '../../../foundation/clock.ts'
import type { TaskRun } from '../../task-run.ts'
import type { HostedListener } from './hosted-listener.ts'

export interface TaskSecretsOptions {
  readonly resolver: ReferenceResolver
  readonly clock: Clock
  /** Shows secrets that cannot be read again. */
  readonly listener: Pick<HostedListener, 'setCondition'>
  readonly onRefresh: (refresh: SecretRefresh) => void
}

/** The secrets of one run of a task. Only its thread knows them (I8). */
export class TaskSecrets {
  readonly #options: TaskSecretsOptions
  #watch: SecretWatch | null = null

  constructor(options: TaskSecretsOptions) {
    this.#options = options
  }

  /** Returns the run with the values of its references. @throws ConfigError, RetriableError, the reason of the signal */
  async resolved(run: TaskRun, signal: AbortSignal): Promise<TaskRun> {
    const { connectorConfig, taskConfig } = run
    const references = await this.#options.resolver.resolve([connectorConfig, taskConfig], signal)
    const resolved = {
      ...run,
      connectorConfig: references.complete(connectorConfig),
      taskConfig: references.complete(taskConfig),
    }
    if (reloads(resolved.connectorConfig)) this.#watch = this.#watched(references)
    return resolved
  }

  /** The run has ended. */
  close(): void {
    this.#watch?.close()
  }

  #watched(inUse: ResolvedReferences): SecretWatch {
    const { resolver, clock, listener, onRefresh } = this.#options
    return new SecretWatch({
      inUse,
      resolver,
      clock,
      onRefresh: (refresh) => {
        listener.setCondition(refreshCode, refresh.outcome === 'failed' ? refreshProblem(refresh.reason) : null)
        onRefresh(refresh)
      },
    })
  }
}
