import type { ConnectorView } from '../model/connector-view.ts'

import { none, rate, shortClass } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import { views } from '../state/store.ts'
import { Empty } from '../view/frame/empty.tsx'
import { lagText } from '../view/figures.tsx'
import { Filter, filtered } from '../view/filter.tsx'
import { Spark } from '../view/spark.tsx'
import { StateMark } from '../view/state.tsx'
import { Table } from '../view/table.tsx'

/** All connectors, failed first, in a table that stays readable with hundreds. */
export function ConnectorsPage() {
  const shown = views.value.filter(({ name, entry }) => filtered([name, entry.class, ...entry.topics]))
  return (
    <>
      <div class="head first">
        <h1>Connectors</h1>
        <span class="muted">{views.value.length}</span>
        <Filter />
      </div>
      {views.value.length === 0 ? <Empty title="No connectors yet" /> : <ConnectorTable views={shown} />}
    </>
  )
}

function ConnectorTable({ views }: { readonly views: readonly ConnectorView[] }) {
  return (
    <Table>
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">State</th>
            <th scope="col">Kind</th>
            <th scope="col" class="number">
              Tasks
            </th>
            <th scope="col" class="number">
              Rate
            </th>
            <th scope="col">
              <span class="hidden">Last five minutes</span>
            </th>
            <th scope="col" class="number">
              Lag
            </th>
            <th scope="col" class="number">
              Dead letters
            </th>
          </tr>
        </thead>
        <tbody>
          {views.map((view) => (
            <ConnectorRow key={view.name} view={view} />
          ))}
        </tbody>
      </table>
      {views.length === 0 ? <p class="empty">No connector matches.</p> : null}
    </Table>
  )
}

function ConnectorRow({ view }: { readonly view: ConnectorView }) {
  const { name, entry, state, running, deadLetters, isCounted, points } = view
  return (
    <tr>
      <th scope="row">
        <a href={hashOf('connectors', name)}>{name}</a>
      </th>
      <td>
        <StateMark state={state} />
      </td>
      <td class="muted">{shortClass(entry.class)}</td>
      <td class="number">
        {running}/{entry.tasks.length}
      </td>
      <td class="number">{rate(view.writeRate)}</td>
      <td>
        <Spark points={points} value="written" />
      </td>
      <td class="number">{lagText(view)}</td>
      <td class="number">{isCounted ? deadLetters : none}</td>
    </tr>
  )
}
