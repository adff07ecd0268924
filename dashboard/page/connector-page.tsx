import type { ComponentChildren } from 'preact'

import type { ConnectorView } from '../model/connector-view.ts'

import { shortClass } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import { call, connectorPath } from '../state/api.ts'
import { run } from '../state/commands.ts'
import { views } from '../state/store.ts'
import { ActionButton, CommandButton } from '../view/form/buttons.tsx'
import { ask } from '../view/frame/dialog.tsx'
import { Empty } from '../view/frame/empty.tsx'
import { lagText } from '../view/figures.tsx'
import { StateMark } from '../view/state.tsx'
import { ConfigTab } from './connector/config-tab.tsx'
import { ErrorsTab } from './connector/errors-tab.tsx'
import { OffsetsTab } from './connector/offsets-tab.tsx'
import { OverviewTab } from './connector/overview-tab.tsx'

const tabs = ['state', 'config', 'offsets', 'errors'] as const
type Tab = (typeof tabs)[number]

const titles: Readonly<Record<Tab, string>> = { state: 'State', config: 'Config', offsets: 'Offsets', errors: 'Errors' }

interface ConnectorPageProps {
  readonly name: string
  readonly tab: string | null
}

/** One connector: its state, config, offsets and errors. */
export function ConnectorPage({ name, tab }: ConnectorPageProps) {
  const view = views.value.find((each) => each.name === name)
  if (view === undefined)
    return (
      <Empty title={`No connector ${name}`}>
        <p>
          It was deleted, or was never there. <a href={hashOf('connectors')}>All connectors</a>
        </p>
      </Empty>
    )
  const shown = tabs.find((each) => each === tab) ?? 'state'
  return (
    <>
      <ConnectorHead view={view} />
      <nav class="tabs" aria-label={`Parts of ${name}`}>
        {tabs.map((each) => (
          <a
            key={each}
            href={hashOf('connectors', name, each === 'state' ? null : each)}
            {...(each === shown ? { 'aria-current': 'page' as const } : {})}
          >
            {titles[each]}
          </a>
        ))}
      </nav>
      {tabOf(shown, view)}
    </>
  )
}

function tabOf(tab: Tab, view: ConnectorView): ComponentChildren {
  switch (tab) {
    case 'config':
      return <ConfigTab key={view.name} view={view} />
    case 'offsets':
      return <OffsetsTab view={view} />
    case 'errors':
      return <ErrorsTab view={view} />
    default:
      return <OverviewTab view={view} />
  }
}

function ConnectorHead({ view }: { readonly view: ConnectorView }) {
  const { name, entry, state } = view
  const isStarted = entry.state !== 'PAUSED' && entry.state !== 'STOPPED'
  return (
    <div class="title">
      <div>
        <h1>{name}</h1>
        <p class="facts">
          <StateMark state={state} />
          <span class="muted">{shortClass(entry.class)}</span>
          <span class="muted">{lagText(view)}</span>
        </p>
      </div>
      <div class="actions">
        {isStarted ? null : <CommandButton connector={name} which="resume" primary />}
        {isStarted ? <CommandButton connector={name} which="pause" /> : null}
        {entry.state === 'STOPPED' ? null : <CommandButton connector={name} which="stop" />}
        {isStarted ? <CommandButton connector={name} which="restartAll" /> : null}
        <ActionButton role="admin" label={`Delete ${name}`} onClick={() => askToDelete(name)}>
          Delete
        </ActionButton>
      </div>
    </div>
  )
}

function askToDelete(name: string): void {
  ask({
    title: `Delete ${name}?`,
    text: 'Its config and its tasks end. Its topics and its offsets stay: a connector of the same name continues from them.',
    action: 'Delete',
    onConfirm: () =>
      void run(`delete ${name}`, `${name} is deleted.`, async () => await call('DELETE', connectorPath(name))),
  })
}
