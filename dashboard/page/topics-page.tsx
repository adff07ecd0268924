import { useState } from 'preact/hooks'

import { count, none, rate } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import { useTopicRates, type TopicSummary } from '../state/topics.ts'
import { Filter, filtered } from '../view/filter.tsx'
import { Loading } from '../view/frame/loading.tsx'
import { Table } from '../view/table.tsx'

/** All topics, with the rate at which records arrive. */
export function TopicsPage() {
  const { topics, rates } = useTopicRates()
  const [hasInternal, setInternal] = useState(false)
  if (topics.data === null) return <Loading resource={topics} />
  const shown = topics.data.filter(
    (topic) => (hasInternal || !topic.internal) && filtered([topic.name, ...topic.connectors]),
  )
  return (
    <>
      <div class="head first">
        <h1>Topics</h1>
        <span class="muted">{topics.data.filter(({ internal }) => !internal).length}</span>
        <label class="check push">
          <input
            type="checkbox"
            checked={hasInternal}
            onChange={({ currentTarget }) => setInternal(currentTarget.checked)}
          />
          internal topics
        </label>
        <Filter />
      </div>
      <Table>
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col" class="number">
                Partitions
              </th>
              <th scope="col" class="number">
                Records
              </th>
              <th scope="col" class="number">
                Rate
              </th>
              <th scope="col">Connectors</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((topic) => (
              <TopicRow key={topic.name} topic={topic} perSecond={rates.get(topic.name) ?? null} />
            ))}
          </tbody>
        </table>
        {shown.length === 0 ? (
          <p class="empty">{topics.data.length === 0 ? 'No topics yet.' : 'No topic matches.'}</p>
        ) : null}
      </Table>
    </>
  )
}

function TopicRow({ topic, perSecond }: { readonly topic: TopicSummary; readonly perSecond: number | null }) {
  const { name, internal, partitions, records, connectors } = topic
  return (
    <tr>
      <th scope="row" class="mono">
        {internal ? <span class="muted">{name}</span> : <a href={hashOf('topics', name)}>{name}</a>}
      </th>
      <td class="number">{partitions}</td>
      <td class="number">{records === null ? none : count(records)}</td>
      <td class="number">{rate(perSecond)}</td>
      <td>
        {connectors.map((connector, at) => (
          <span key={connector}>
            {at === 0 ? '' : ', '}
            <a href={hashOf('connectors', connector)}>{connector}</a>
          </span>
        ))}
      </td>
    </tr>
  )
}
