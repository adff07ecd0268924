import { useState } from 'preact/hooks'

import { count, none, plural } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import { useResource } from '../state/resource.ts'
import { Loading } from '../view/frame/loading.tsx'
import { RecordList } from './topics/record-list.tsx'
import { Table } from '../view/table.tsx'

interface TopicInfo {
  readonly name: string
  readonly records: number | null
  readonly connectors: readonly string[]
  readonly partitions: readonly {
    readonly partition: number
    readonly leader: number | null
    readonly start: number | null
    readonly end: number | null
  }[]
  readonly configs: Readonly<Record<string, { readonly value: string | null; readonly override: boolean }>>
}

const intervalMs = 3000
const starts = { latest: 'the latest', earliest: 'the earliest' } as const

/** One topic: its records as they arrive, its partitions, its configs. */
export function TopicPage({ name }: { readonly name: string }) {
  const topic = useResource<TopicInfo>(`/topics/${encodeURIComponent(name)}`, intervalMs)
  const [from, setFrom] = useState<keyof typeof starts>('latest')
  const [search, setSearch] = useState('')
  const [isFollowing, setFollowing] = useState(true)
  if (topic.data === null) return <Loading resource={topic} />
  const { partitions, records, connectors } = topic.data
  return (
    <>
      <div class="title">
        <div>
          <h1 class="mono">{name}</h1>
          <p class="facts">
            <span>{records === null ? none : plural(records, 'record')}</span>
            <span class="muted">{plural(partitions.length, 'partition')}</span>
            {connectors.map((connector) => (
              <a key={connector} href={hashOf('connectors', connector)}>
                {connector}
              </a>
            ))}
          </p>
        </div>
        <div class="actions">
          <label class="check">
            <input
              type="checkbox"
              checked={isFollowing}
              onChange={({ currentTarget }) => setFollowing(currentTarget.checked)}
            />
            follow
          </label>
          <select
            aria-label="Start"
            value={from}
            onChange={({ currentTarget }) => setFrom(currentTarget.value as keyof typeof starts)}
          >
            {Object.entries(starts).map(([value, text]) => (
              <option key={value} value={value}>
                from {text}
              </option>
            ))}
          </select>
          <input
            type="search"
            class="filter"
            id="filter"
            placeholder="text or field=value  /"
            aria-label="Search in records"
            value={search}
            onChange={({ currentTarget }) => setSearch(currentTarget.value)}
          />
        </div>
      </div>
      <RecordList
        key={`${name} ${from} ${search}`}
        topic={name}
        from={from}
        search={search}
        isFollowing={isFollowing}
      />
      <Partitions topic={topic.data} />
    </>
  )
}

function Partitions({ topic: { partitions, configs } }: { readonly topic: TopicInfo }) {
  const overrides = Object.entries(configs).filter(([, { override }]) => override)
  return (
    <section aria-labelledby="partitions">
      <div class="head">
        <h2 id="partitions">Partitions</h2>
        <span class="muted mono push">{overrides.map(([key, { value }]) => `${key}=${value ?? ''}`).join('  ')}</span>
      </div>
      <Table>
        <table>
          <thead>
            <tr>
              <th scope="col">Partition</th>
              <th scope="col" class="number">
                Leader
              </th>
              <th scope="col" class="number">
                Start
              </th>
              <th scope="col" class="number">
                End
              </th>
            </tr>
          </thead>
          <tbody>
            {partitions.map(({ partition, leader, start, end }) => (
              <tr key={partition}>
                <th scope="row">{partition}</th>
                <td class="number">{leader ?? none}</td>
                <td class="number">{start === null ? none : count(start)}</td>
                <td class="number">{end === null ? none : count(end)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Table>
    </section>
  )
}
