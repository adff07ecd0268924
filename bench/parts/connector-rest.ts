import { BenchError } from './bench-error.ts'

interface Part {
  readonly state: string
  readonly trace?: string
}

/** The REST API that Kafka Connect and Penstock share. */
export class ConnectorRest {
  readonly rest: string

  constructor(rest: string) {
    this.rest = rest
  }

  /** Creates a connector. */
  async create(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    const answer = await fetch(`${this.rest}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, config }),
    })
    if (!answer.ok) throw new BenchError(`connector ${name}: HTTP ${answer.status} ${await answer.text()}`)
  }

  /** Throws with the trace if the connector or one of its tasks has failed. */
  async checkRunning(name: string): Promise<void> {
    const answer = await fetch(`${this.rest}/connectors/${name}/status`)
    if (!answer.ok) return
    const status = (await answer.json()) as { connector: Part; tasks: readonly Part[] }
    for (const part of [status.connector, ...status.tasks])
      if (part.state === 'FAILED') throw new BenchError(`connector ${name} failed: ${part.trace ?? ''}`)
  }

  /** Deletes a connector. Its offsets and its output remain. */
  async remove(name: string): Promise<void> {
    const answer = await fetch(`${this.rest}/connectors/${name}`, { method: 'DELETE' })
    if (!answer.ok) throw new BenchError(`connector ${name}: HTTP ${answer.status} ${await answer.text()}`)
  }
}
