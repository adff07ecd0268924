import type { RunStatus, StatusRecord, TopicUse } from './status-record.ts'

/** The statuses of connectors and tasks: a fold of the records of the status topic. */
export class StatusFold {
  readonly #connectors = new Map<string, RunStatus>()
  readonly #tasks = new Map<string, Map<number, RunStatus>>()
  readonly #topics = new Map<string, Map<string, TopicUse>>()

  /** Applies a record; returns false when it is ignored. */
  apply(record: StatusRecord): boolean {
    switch (record.type) {
      case 'connector':
        if (record.status === null) this.#connectors.delete(record.connector)
        else this.#connectors.set(record.connector, record.status)
        return true
      case 'task':
        return this.#applyTask(record.connector, record.task, record.status)
      case 'topic':
        change(this.#topics, record.connector, record.topic, record.use)
        return true
    }
  }

  connector(connector: string): RunStatus | null {
    return this.#connectors.get(connector) ?? null
  }

  task(connector: string, task: number): RunStatus | null {
    return this.#tasks.get(connector)?.get(task) ?? null
  }

  /** Statuses of a connector's tasks, by number. */
  tasks(connector: string): ReadonlyMap<number, RunStatus> {
    return this.#tasks.get(connector) ?? new Map()
  }

  /** Connectors with a status of their own or of a task. */
  connectors(): readonly string[] {
    return [...new Set([...this.#connectors.keys(), ...this.#tasks.keys()])]
  }

  /** The topics a connector has used, by name. */
  topics(connector: string): readonly TopicUse[] {
    return [...(this.#topics.get(connector)?.values() ?? [])]
  }

  topic(connector: string, topic: string): TopicUse | null {
    return this.#topics.get(connector)?.get(topic) ?? null
  }

  /** As in Connect, a late UNASSIGNED of the previous worker of a task does not replace the RUNNING of its current one. */
  #applyTask(connector: string, task: number, status: RunStatus | null): boolean {
    const known = this.task(connector, task)
    const isLate = status?.state === 'UNASSIGNED' && known?.state === 'RUNNING' && known.generation >= status.generation
    if (isLate) return false
    change(this.#tasks, connector, task, status)
    return true
  }
}

function change<K, V>(entries: Map<string, Map<K, V>>, connector: string, key: K, value: V | null): void {
  const known = entries.get(connector)
  if (value === null) {
    known?.delete(key)
    if (known?.size === 0) entries.delete(connector)
  } else if (known === undefined) entries.set(connector, new Map([[key, value]]))
  else known.set(key, value)
}
