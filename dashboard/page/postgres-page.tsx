import type { ConnectorView } from '../model/connector-view.ts'

import { bytes, duration, none, rate } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import { slotFigures, snapshotProgress } from '../model/postgres.ts'
import type { Config } from '../model/config-form.ts'
import { connectorPath } from '../state/api.ts'
import { useResource } from '../state/resource.ts'
import { problems, views } from '../state/store.ts'
import { Empty } from '../view/frame/empty.tsx'
import { ProblemItem } from '../view/problem-list.tsx'
import { StateMark } from '../view/state.tsx'

/** The Postgres sources: slots, the WAL that they retain, and snapshots in progress. */
export function PostgresPage() {
  const sources = views.value.filter(({ entry }) => /\bPostgres/.test(entry.class.split('.').at(-1) ?? ''))
  if (sources.length === 0)
    return (
      <Empty title="No Postgres source">
        <p>
          Create one on the page <a href={hashOf('plugins')}>Plugins</a>.
        </p>
      </Empty>
    )
  return (
    <>
      <div class="head first">
        <h1>Postgres</h1>
      </div>
      {sources.map((view) => (
        <Source key={view.name} view={view} />
      ))}
    </>
  )
}

function Source({ view }: { readonly view: ConnectorView }) {
  const config = useResource<Config>(connectorPath(view.name, '/config'))
  const own = problems.value.filter(({ connector }) => connector === view.name)
  return (
    <section class="source" aria-label={`Source ${view.name}`}>
      <div class="load-head">
        <h2>
          <a href={hashOf('connectors', view.name)}>{view.name}</a>
        </h2>
        <StateMark state={view.state} />
        <code class="muted">{databaseText(config.data ?? {})}</code>
      </div>
      <dl class="figures">
        <Figure name="Slot" value={config.data?.['slot.name'] ?? 'debezium'} />
        <Figure name="Retained WAL" value={bytes(view.walRetainedBytes)} />
        <Figure name="Behind" value={view.behindSeconds === null ? none : duration(view.behindSeconds)} />
        <Figure name="Rate" value={rate(view.writeRate)} />
      </dl>
      <Budget view={view} />
      <Snapshot view={view} />
      {own.length === 0 ? null : (
        <ul class="problems">
          {own.map((problem) => (
            <ProblemItem key={problem.key} problem={problem} />
          ))}
        </ul>
      )}
    </section>
  )
}

function Figure({ name, value }: { readonly name: string; readonly value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  )
}

/** How much of max_slot_wal_keep_size the slot uses; Postgres invalidates the slot beyond it. */
function Budget({ view }: { readonly view: ConnectorView }) {
  const slot = slotFigures(view)
  if (slot === null) return null
  const label = `${bytes(slot.retained)} of ${bytes(slot.budget)} (max_slot_wal_keep_size)`
  return <Meter label={label} share={slot.share} isHigh={slot.share > 0.7} />
}

function Snapshot({ view }: { readonly view: ConnectorView }) {
  const progress = snapshotProgress(view)
  if (progress === null) return null
  return <Meter label={progress.text} share={progress.share} isHigh={false} />
}

interface MeterProps {
  readonly label: string
  /** 0 to 1; null: not known. */
  readonly share: number | null
  readonly isHigh: boolean
}

function Meter({ label, share, isHigh }: MeterProps) {
  return (
    <div class="meter">
      <progress class={isHigh ? 'high' : ''} aria-label={label} {...(share === null ? {} : { value: share })} max={1} />
      <span>{label}</span>
    </div>
  )
}

function databaseText(config: Config): string {
  const { 'database.hostname': host, 'database.port': port = '5432', 'database.dbname': name } = config
  return host === undefined ? '' : `${host}:${port}/${name ?? ''}`
}
