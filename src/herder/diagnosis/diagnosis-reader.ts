import type { RawConfig } from '../../api/config-def.ts'
import type { TargetState } from '../../config/connector/target-state.ts'
import { diagnose, diagnoseWorker } from '../../diagnosis/diagnose.ts'
import { compareSeverity, verdictOf } from '../../diagnosis/finding.ts'
import type {
  ConnectorObservations,
  ObservedBacklog,
  ObservedCondition,
  ObservedProbe,
  ObservedTask,
  SilentWorker,
} from '../../diagnosis/observations.ts'
import { settledWithin } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import { formatTaskId } from '../../config/connector/task-id.ts'
import type {
  ConnectorDiagnosis,
  DiagnosedTask,
  Diagnosis,
  DiagnosisScope,
  WorkerDiagnosis,
} from '../entities/connector-diagnosis.ts'
import type { TaskRunner } from '../local/assigned-tasks.ts'
import type { ConnectorRunner } from '../local/connector-instances.ts'
import type { HerderReads } from '../herder-reads.ts'
import type { ClusterConfigState } from '../state/cluster-config-state.ts'
import { groupKey, type RecentEvents } from '../state/recent-times.ts'
import type { WorkerStatusStore } from '../state/worker-status-store.ts'
import { BacklogReader, type BacklogReaderOptions } from './backlog-reader.ts'
import { Probes } from './probes.ts'

/** The tasks of a connector that another worker runs. */
export type AskTasks = (
  workerId: string,
  connector: string,
  signal: AbortSignal,
) => Promise<
  | { readonly kind: 'tasks'; readonly tasks: readonly DiagnosedTask[] }
  | { readonly kind: 'silent'; readonly reason: string; readonly isGone: boolean }
>

/** What a diagnosis needs besides the herder itself. */
export interface DiagnosisSources extends BacklogReaderOptions {
  readonly conditions: () => readonly ObservedCondition[]
  readonly askTasks: AskTasks
  /** `host:port` of this worker, and the URL of its REST API. */
  readonly workerId: string
  readonly restUrl: string
}

export interface DiagnosisReaderOptions {
  readonly diagnosis: DiagnosisSources
  readonly reads: HerderReads
  readonly configState: Pick<ClusterConfigState, 'targetState' | 'taskCount'>
  readonly statuses: WorkerStatusStore
  readonly tasks: { readonly runner: Pick<TaskRunner, 'flow'> }
  readonly connectors: { readonly runner: Pick<ConnectorRunner, 'diagnose'> }
  readonly recent: RecentEvents
  readonly clock: Clock
}

/** How long the log may take to say what waits for a sink. Milliseconds. */
const backlogMs = 700

/** Gathers what is known of a connector, and has it diagnosed. */
export class DiagnosisReader implements Diagnosis {
  readonly #options: DiagnosisReaderOptions
  readonly #sources: DiagnosisSources
  readonly #backlogs: BacklogReader
  readonly #probes: Probes

  constructor(options: DiagnosisReaderOptions) {
    const { connectors, clock, diagnosis } = options
    this.#options = options
    this.#sources = diagnosis
    this.#backlogs = new BacklogReader(diagnosis)
    this.#probes = new Probes(async (...connector) => await connectors.runner.diagnose(...connector), clock)
  }

  /** @throws NotFoundError `Connector x not found` */
  async ofConnector(connector: string, scope: DiagnosisScope, signal: AbortSignal): Promise<ConnectorDiagnosis> {
    const { reads, statuses } = this.#options
    const config = reads.connectorConfig(connector)
    const own = this.#tasks(connector)
    if (scope === 'worker') {
      const tasks = own.filter(({ workerId }) => workerId === this.#sources.workerId)
      return this.#result(this.#observations(connector, config, { tasks }))
    }
    const topics = statuses.topics(connector)
    const [others, backlog, probe] = await Promise.all([
      this.#othersTasks(connector, own, signal),
      this.#backlog(connector, config, topics, signal),
      this.#probes.of(connector, config, topics),
    ])
    const tasks = own.map((task) => Object.assign({}, task, others.known.get(task.id)))
    return this.#result(this.#observations(connector, config, { tasks, backlog, probe, silentWorkers: others.silent }))
  }

  /** What this worker knows by itself of itself and of all connectors. */
  ofWorker(): WorkerDiagnosis {
    const { reads, clock, recent } = this.#options
    const sources = this.#sources
    const own = diagnoseWorker({
      conditions: sources.conditions(),
      rebalances: recent.rebalances.count(groupKey, clock.monotonic()),
      restUrl: sources.restUrl,
    })
    const ofConnectors = reads.connectors().flatMap((connector) => {
      const config = reads.connectorConfig(connector)
      const observed = this.#observations(connector, config, { tasks: this.#tasks(connector), conditions: [] })
      return diagnose(observed).map((finding) => ({ connector, finding }))
    })
    const all = [...own.map((finding) => ({ connector: null, finding })), ...ofConnectors]
    return { checkedAt: clock.now(), findings: all.toSorted((a, b) => compareSeverity(a.finding, b.finding)) }
  }

  #tasks(connector: string): readonly ObservedTask[] {
    const { statuses, tasks, recent, clock } = this.#options
    return statuses.tasks(connector).map(({ id, state, workerId, trace }) => {
      const isHere = workerId === this.#sources.workerId
      const task = { connector, task: id }
      return {
        id,
        state,
        workerId,
        trace,
        flow: isHere ? tasks.runner.flow(task) : null,
        restarts: isHere ? recent.restarts.count(formatTaskId(task), clock.monotonic()) : null,
      }
    })
  }

  /** Asks the other workers that run tasks of the connector, or ran them last. */
  async #othersTasks(
    connector: string,
    tasks: readonly ObservedTask[],
    signal: AbortSignal,
  ): Promise<{
    readonly known: ReadonlyMap<number, Pick<DiagnosedTask, 'flow' | 'restarts'>>
    readonly silent: readonly SilentWorker[]
  }> {
    const sources = this.#sources
    const all = [
      ...tasks.map(({ workerId }) => workerId),
      this.#options.statuses.connector(connector)?.workerId ?? sources.workerId,
    ]
    const others = [...new Set(all)].filter((workerId) => workerId !== sources.workerId)
    const responses = await Promise.all(
      others.map(async (worker) => ({ worker, response: await sources.askTasks(worker, connector, signal) })),
    )
    return {
      known: new Map(
        responses.flatMap(({ worker, response }) =>
          response.kind === 'silent'
            ? []
            : response.tasks
                .filter(({ workerId }) => workerId === worker)
                .map(({ id, flow, restarts }) => [id, { flow, restarts }] as const),
        ),
      ),
      silent: responses.flatMap(({ worker, response }) =>
        response.kind === 'silent' ? [{ worker, reason: response.reason, isGone: response.isGone }] : [],
      ),
    }
  }

  async #backlog(
    connector: string,
    config: RawConfig,
    topics: readonly string[],
    signal: AbortSignal,
  ): Promise<ObservedBacklog | null> {
    const { reads, clock } = this.#options
    if (reads.typeOf(config) !== 'sink') return null
    return await settledWithin(clock, backlogMs, this.#backlogs.of(connector, config, topics, signal))
  }

  #observations(
    connector: string,
    config: RawConfig,
    found: Pick<ConnectorObservations, 'tasks'> & {
      readonly backlog?: ObservedBacklog | null
      readonly probe?: ObservedProbe
      readonly silentWorkers?: readonly SilentWorker[]
      readonly conditions?: readonly ObservedCondition[]
    },
  ): ConnectorObservations {
    const { reads, configState, statuses, clock } = this.#options
    const sources = this.#sources
    const target: TargetState = configState.targetState(connector)
    return {
      connector,
      type: reads.typeOf(config),
      target,
      config,
      status: statuses.connector(connector),
      configuredTasks: configState.taskCount(connector),
      backlog: null,
      probe: { kind: 'found', findings: [] },
      conditions: sources.conditions(),
      silentWorkers: [],
      since: (task, name) => statuses.since(connector, task, name),
      now: clock.now(),
      restUrl: sources.restUrl,
      ...found,
    }
  }

  #result(observed: ConnectorObservations): ConnectorDiagnosis {
    const { connector, type, now, tasks, backlog } = observed
    const findings = diagnose(observed)
    return {
      connector,
      type,
      checkedAt: now,
      verdict: verdictOf(findings),
      findings,
      tasks: tasks.map(({ id, state, workerId, flow, restarts }) => ({ id, state, workerId, flow, restarts })),
      backlogRecords: backlog?.records ?? null,
    }
  }
}
