import type { ConnectorView } from '../model/connector-view.ts'

import { count, none, shortClass } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import { problems, views } from '../state/store.ts'
import { CommandButton } from '../view/buttons.tsx'
import { Empty } from '../view/empty.tsx'
import { lagText } from '../view/figures.tsx'
import { ProblemItem } from '../view/problem-list.tsx'
import { StateMark } from '../view/state.tsx'

/** One connector: its state, what is wrong with it, its tasks. */
export function ConnectorPage({ name }: { readonly name: string }) {
  const view = views.value.find((each) => each.name === name)
  if (view === undefined)
    return (
      <Empty title={`No connector ${name}`}>
        <p>
          It was deleted, or was never there. <a href={hashOf('connectors')}>All connectors</a>
        </p>
      </Empty>
    )
  const own = problems.value.filter(({ connector }) => connector === name)
  return (
    <>
      <ConnectorHead view={view} />
      {own.length === 0 ? null : (
        <ul class="problems">
          {own.map((problem) => (
            <ProblemItem key={problem.key} problem={problem} />
          ))}
        </ul>
      )}
      <Tasks view={view} />
    </>
  )
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
      </div>
    </div>
  )
}

function Tasks({ view: { entry } }: { readonly view: ConnectorView }) {
  return (
    <section aria-labelledby="tasks">
      <div class="head">
        <h2 id="tasks">Tasks</h2>
      </div>
      {entry.tasks.length === 0 ? (
        <p class="muted">{entry.state === 'STOPPED' ? 'A stopped connector has no tasks.' : 'It has no tasks yet.'}</p>
      ) : (
        <div class="table">
          <table>
            <thead>
              <tr>
                <th scope="col">Task</th>
                <th scope="col">State</th>
                <th scope="col">Worker</th>
                <th scope="col" class="number">
                  Read
                </th>
                <th scope="col" class="number">
                  Written
                </th>
                <th scope="col" class="number">
                  Failed
                </th>
                <th scope="col" class="number">
                  Lag
                </th>
              </tr>
            </thead>
            <tbody>
              {entry.tasks.map(({ id, state, worker_id, trace, activity }) => (
                <>
                  <tr key={id}>
                    <th scope="row">{id}</th>
                    <td>
                      <StateMark state={state === 'RUNNING' && trace !== null ? 'WAITING' : state} />
                    </td>
                    <td class="muted">{worker_id}</td>
                    <td class="number">{activity === null ? none : count(activity.records_read)}</td>
                    <td class="number">{activity === null ? none : count(activity.records_written)}</td>
                    <td class="number">{activity === null ? none : count(activity.errors)}</td>
                    <td class="number">
                      {activity === null || entry.type !== 'sink'
                        ? none
                        : count(activity.lag.reduce((sum, { records }) => sum + records, 0))}
                    </td>
                  </tr>
                  {trace === null ? null : (
                    <tr key={`${id} trace`} class="trace">
                      <td colSpan={7}>
                        <details>
                          <summary>Trace of task {id}</summary>
                          <pre tabIndex={0}>{trace}</pre>
                        </details>
                      </td>
                    </tr>
                  )}
                </>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  )
}
