import type { ConnectorView } from '../../model/connector-view.ts'

import { count, plural } from '../../model/format.ts'
import { connectorPath } from '../../state/api.ts'
import { run, running } from '../../state/commands.ts'
import { replay } from '../../state/replay.ts'
import { useResource } from '../../state/resource.ts'
import { ActionButton } from '../../view/form/buttons.tsx'
import { ask } from '../../view/frame/dialog.tsx'
import { Loading } from '../../view/frame/loading.tsx'

interface ErrorCause {
  readonly cause: string
  readonly stage: string | null
  readonly exception: string | null
  readonly message: string | null
  readonly count: number
  readonly replayed: number
  readonly first_time: string | null
  readonly last_time: string | null
  readonly example: { readonly message: string | null; readonly record: Readonly<Record<string, unknown>> }
}

interface ConnectorErrors {
  readonly topic: string
  readonly causes: readonly ErrorCause[]
  readonly read: { readonly own: number; readonly complete: boolean }
  readonly note: string | null
}

const intervalMs = 5000

/** The dead letters of a connector by cause, with a button that has them delivered again. */
export function ErrorsTab({ view }: { readonly view: ConnectorView }) {
  const errors = useResource<ConnectorErrors>(connectorPath(view.name, '/errors'), intervalMs)
  if (errors.data === null) return <Loading resource={errors} />
  const { topic, causes, read, note } = errors.data
  if (causes.length === 0) return <p class="empty">No dead letters in {topic}.</p>
  return (
    <>
      <p class="muted lead">
        {plural(read.own, 'dead letter')} in <code>{topic}</code>
        {read.complete ? '' : ', of those that were read'}. {note}
      </p>
      <ul class="problems">
        {causes.map((cause) => (
          <CauseItem key={cause.cause} cause={cause} view={view} onReplayed={errors.reload} />
        ))}
      </ul>
    </>
  )
}

interface CauseItemProps {
  readonly cause: ErrorCause
  readonly view: ConnectorView
  readonly onReplayed: () => void
}

function CauseItem({ cause, view: { name, entry }, onReplayed }: CauseItemProps) {
  const { cause: id, stage, exception, message, first_time, last_time, example } = cause
  const key = `replay ${name}`
  const start = (): void =>
    ask({
      title: `Deliver ${plural(cause.count - cause.replayed, 'record')} of ${name} again?`,
      text: 'The connector is stopped, reads these records from its topics again, and is resumed. Later records of their keys follow in order.',
      action: 'Deliver again',
      onConfirm: () =>
        void run(key, `The records of ${name} are delivered again.`, async () => await replay(name, id)).then(
          onReplayed,
        ),
    })
  return (
    <li class="problem warning">
      <div class="what">
        <p class="where">
          <strong>{count(cause.count)} ×</strong>
          <code>{(exception ?? '').split('.').at(-1)}</code>
          <span class="muted">{(stage ?? '').toLowerCase().replaceAll('_', ' ')}</span>
          {cause.replayed === 0 ? null : <span class="muted">{count(cause.replayed)} delivered again</span>}
        </p>
        <p class="cause">{example.message ?? message ?? 'No message.'}</p>
        <p class="fix">
          first {timeOf(first_time)} · last {timeOf(last_time)} · for example{' '}
          <code>
            {Object.values(example.record)
              .filter((value) => value !== null)
              .map((value) => (typeof value === 'object' ? JSON.stringify(value) : String(value)))
              .join(' · ')}
          </code>
        </p>
      </div>
      <div class="actions">
        {entry.type !== 'sink' || cause.replayed >= cause.count ? null : (
          <ActionButton role="admin" busy={running.value.has(key)} onClick={start}>
            Deliver again
          </ActionButton>
        )}
      </div>
    </li>
  )
}

function timeOf(iso: string | null): string {
  return iso === null ? '–' : new Date(iso).toLocaleString('en-GB')
}
