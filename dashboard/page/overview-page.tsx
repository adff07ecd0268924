import { bytes, count, duration, plural, rate } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import { activity, cpu, pipelines, views } from '../state/store.ts'
import { Empty } from '../view/frame/empty.tsx'
import { Filter, filtered } from '../view/filter.tsx'
import { PipelineRow } from '../view/pipeline-row.tsx'
import { ProblemList } from '../view/problem-list.tsx'

/** What is wrong, then what flows. */
export function OverviewPage() {
  if (views.value.length === 0) return <NoConnectors />
  return (
    <>
      <h1 class="hidden">Overview</h1>
      <Summary />
      <ProblemList />
      <Flow />
    </>
  )
}

function NoConnectors() {
  return (
    <Empty title="No connectors yet">
      <p>
        A source reads a database into topics; a sink writes topics elsewhere. Create one with{' '}
        <code>POST /connectors</code>, or on the page <a href={hashOf('plugins')}>Plugins</a>.
      </p>
    </Empty>
  )
}

function Summary() {
  const all = views.value
  const tasks = all.flatMap(({ entry }) => entry.tasks)
  const total = (type: string, value: 'readRate' | 'writeRate'): number =>
    all.filter(({ entry }) => entry.type === type).reduce((sum, view) => sum + (view[value] ?? 0), 0)
  const lag = all.reduce((sum, { lagRecords }) => sum + (lagRecords ?? 0), 0)
  const behind = Math.max(0, ...all.map(({ lagTime }) => lagTime?.seconds ?? 0))
  const worker = activity.value?.worker
  return (
    <dl class="summary">
      <Figure name="Connectors" value={count(all.length)} note={plural(tasks.length, 'task')} />
      <Figure name="Into topics" value={rate(total('source', 'writeRate'))} note="records" />
      <Figure name="Out of topics" value={rate(total('sink', 'writeRate'))} note="records" />
      <Figure name="Sinks behind" value={count(lag)} note={lag === 0 ? 'records' : `records, ${duration(behind)}`} />
      <Figure
        name="Worker"
        value={bytes(worker?.memory_bytes ?? null)}
        note={cpu.value === null ? 'memory' : `${Math.round(cpu.value * 100)} % of a core`}
      />
    </dl>
  )
}

function Figure({ name, value, note }: { readonly name: string; readonly value: string; readonly note: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {value} <span class="note">{note}</span>
      </dd>
    </div>
  )
}

function Flow() {
  const shown = pipelines.value.filter(({ sources, sinks, topics }) =>
    filtered([...[...sources, ...sinks].map(({ name }) => name), ...topics]),
  )
  return (
    <section aria-labelledby="flow">
      <div class="head">
        <h2 id="flow">Flow</h2>
        <Filter />
      </div>
      <div class="flow-head" aria-hidden="true">
        <span>Source</span>
        <span />
        <span>Topics</span>
        <span>Sinks</span>
      </div>
      {shown.map((pipeline) => (
        <PipelineRow key={pipeline.key} pipeline={pipeline} />
      ))}
      {shown.length === 0 ? <p class="empty">No connector or topic matches.</p> : null}
    </section>
  )
}
