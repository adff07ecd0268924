import type { ConnectorView } from '../../model/connector-view.ts'

import { count, none } from '../../model/format.ts'
import { StateMark } from '../../view/state.tsx'
import { Table } from '../../view/table.tsx'

/** The tasks of a connector, with the traces of those that failed or wait. */
export function TaskTable({ view: { entry } }: { readonly view: ConnectorView }) {
  return (
    <section aria-labelledby="tasks">
      <div class="head">
        <h2 id="tasks">Tasks</h2>
      </div>
      {entry.tasks.length === 0 ? (
        <p class="muted">{entry.state === 'STOPPED' ? 'A stopped connector has no tasks.' : 'It has no tasks yet.'}</p>
      ) : (
        <Table>
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
                      <StateMark state={state === 'RUNNING' && trace !== null ? 'DEGRADED' : state} />
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
        </Table>
      )}
    </section>
  )
}
