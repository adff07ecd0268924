import type { WorkerEntry } from '../model/activity.ts'

import { bytes, count, duration, none } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import { workersOf, type WorkerLoad } from '../model/workers.ts'
import { activity, cpu } from '../state/store.ts'

/** The workers of the group: what each runs, and what this one uses. */
export function WorkersPage() {
  const read = activity.value
  if (read === null) return null
  return (
    <>
      <div class="head first">
        <h1>Workers</h1>
      </div>
      <ThisWorker worker={read.worker} now={read.time} />
      <div class="head">
        <h2>Who runs what</h2>
      </div>
      {workersOf(read).map((load) => (
        <Load key={load.id} load={load} isThis={load.id === read.worker.id} />
      ))}
    </>
  )
}

function ThisWorker({ worker, now }: { readonly worker: WorkerEntry; readonly now: number }) {
  const { memory_bytes, task_threads, started, version, node, kafka_cluster_id } = worker
  const facts: readonly (readonly [string, string, string])[] = [
    ['Memory', bytes(memory_bytes), 'resident'],
    ['CPU', cpu.value === null ? none : `${Math.round(cpu.value * 100)} %`, 'of a core'],
    ['Task threads', task_threads === null ? none : count(task_threads), ''],
    ['Runs for', started === null ? none : duration(now / 1000 - started), ''],
    ['Version', version ?? none, node === null ? '' : `Node ${node.replace(/^v/, '')}`],
  ]
  return (
    <>
      <dl class="summary">
        {facts.map(([name, value, note]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value} <span class="note">{note}</span>
            </dd>
          </div>
        ))}
      </dl>
      <p class="well">
        {worker.id} serves this page. Kafka cluster <code>{kafka_cluster_id ?? none}</code>
      </p>
    </>
  )
}

function Load({ load: { id, connectors, tasks }, isThis }: { readonly load: WorkerLoad; readonly isThis: boolean }) {
  return (
    <section class="load" aria-label={`Worker ${id}`}>
      <div class="load-head">
        {isThis ? (
          <h3>{id}</h3>
        ) : (
          <h3>
            <a href={`${location.protocol}//${id}/ui#/workers`}>{id}</a>
          </h3>
        )}
        <span class="muted">
          {isThis ? 'this worker · ' : ''}
          {count(connectors.length)} connectors · {count(tasks.length)} tasks
        </span>
      </div>
      <p>
        {tasks.map(({ connector, task, state }) => (
          <a
            key={`${connector}-${task}`}
            class={`chip ${state.toLowerCase()}`}
            href={hashOf('connectors', connector)}
            title={`${connector}-${task} ${state}`}
          >
            {connector}-{task}
            {state === 'RUNNING' ? '' : ` ${state.toLowerCase()}`}
          </a>
        ))}
        {tasks.length === 0 ? <span class="muted">no tasks</span> : null}
      </p>
    </section>
  )
}
