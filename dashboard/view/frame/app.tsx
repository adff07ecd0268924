import { hashOf, pages, type Page } from '../../model/route.ts'
import { ConnectorPage } from '../../page/connector-page.tsx'
import { ConnectorsPage } from '../../page/connectors-page.tsx'
import { OverviewPage } from '../../page/overview-page.tsx'
import { PluginPage } from '../../page/plugin-page.tsx'
import { PluginsPage } from '../../page/plugins-page.tsx'
import { PostgresPage } from '../../page/postgres-page.tsx'
import { TopicPage } from '../../page/topic-page.tsx'
import { TopicsPage } from '../../page/topics-page.tsx'
import { WorkersPage } from '../../page/workers-page.tsx'
import { activity, connection, place, problems } from '../../state/store.ts'
import { nextTheme, theme } from '../../state/theme.ts'
import { QuestionDialog } from './dialog.tsx'
import { Empty } from './empty.tsx'
import { KeyHelp } from './key-help.tsx'
import { Notices } from './notices.tsx'

const titles: Readonly<Record<Page, string>> = {
  overview: 'Overview',
  connectors: 'Connectors',
  postgres: 'Postgres',
  topics: 'Topics',
  workers: 'Workers',
  plugins: 'Plugins',
}

/** The frame of all pages. */
export function App() {
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Header />
      <ConnectionBanner />
      <main id="main" tabIndex={-1}>
        {activity.value === null ? <Connecting /> : <CurrentPage />}
      </main>
      <Notices />
      <QuestionDialog />
      <KeyHelp />
    </>
  )
}

function Header() {
  const failed = problems.value.filter(({ severity }) => severity === 'error').length
  return (
    <header class="top">
      <a class="mark" href={hashOf('overview')} aria-label="Penstock, overview">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M1 3h14M3 3v10M13 3v10M3 9c2-1.6 3.3-1.6 5 0s3 1.6 5 0" />
        </svg>
        <span>Penstock</span>
      </a>
      <nav aria-label="Pages">
        {pages.map((page) => (
          <a key={page} href={hashOf(page)} {...(place.value.page === page ? { 'aria-current': 'page' as const } : {})}>
            {titles[page]}
            {page === 'overview' && failed > 0 ? (
              <span class="badge" aria-label={`${failed} failed`}>
                {failed}
              </span>
            ) : null}
          </a>
        ))}
      </nav>
      <WorkerMark />
    </header>
  )
}

function WorkerMark() {
  const { state } = connection.value
  const worker = activity.value?.worker
  const user = activity.value?.caller.user ?? null
  return (
    <div class="worker-mark">
      <span class={`live ${state}`}>
        <span class="dot" aria-hidden="true" />
        <span class="wide">{worker?.id ?? ''}</span>
        <span class="hidden">{state === 'live' ? ' responds' : ' does not respond'}</span>
      </span>
      {user === null ? null : <span class="wide muted">{user}</span>}
      <button type="button" class="quiet" onClick={nextTheme} aria-label={`Colours: ${theme.value}. Change`}>
        {theme.value === 'auto' ? '◐' : theme.value === 'light' ? '○' : '●'}
      </button>
    </div>
  )
}

function ConnectionBanner() {
  const { state, message } = connection.value
  if (state !== 'lost' || activity.value === null) return null
  return (
    <p class="banner" role="status">
      {message} The page shows what it saw last, and tries again.
    </p>
  )
}

/** Until the first response. */
function Connecting() {
  const { state, message } = connection.value
  if (state === 'connecting') return <p class="empty">Reading the state of the worker …</p>
  return (
    <Empty title={state === 'refused' ? 'Access refused' : 'No connection'}>
      <p>{message}</p>
      {state === 'refused' ? <p>Reload the page to log in.</p> : <p>The page tries again by itself.</p>}
    </Empty>
  )
}

function CurrentPage() {
  const { page, name, tab } = place.value
  switch (page) {
    case 'connectors':
      return name === null ? <ConnectorsPage /> : <ConnectorPage name={name} tab={tab} />
    case 'postgres':
      return <PostgresPage />
    case 'topics':
      return name === null ? <TopicsPage /> : <TopicPage key={name} name={name} />
    case 'workers':
      return <WorkersPage />
    case 'plugins':
      return name === null ? <PluginsPage /> : <PluginPage key={name} name={name} />
    default:
      return <OverviewPage />
  }
}
