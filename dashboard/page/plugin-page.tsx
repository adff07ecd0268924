import { useState } from 'preact/hooks'

import type { Config, ConfigKey } from '../model/config-form.ts'

import { shortClass } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import { call } from '../state/api.ts'
import { run } from '../state/commands.ts'
import { useResource } from '../state/resource.ts'
import { may } from '../state/store.ts'
import { ActionButton } from '../view/form/buttons.tsx'
import { ConfigForm } from '../view/form/config-form.tsx'
import { Filter, filtered } from '../view/filter.tsx'
import { Loading } from '../view/frame/loading.tsx'
import { Table } from '../view/table.tsx'

/** One plugin: its options, and a form that creates a connector of it. */
export function PluginPage({ name }: { readonly name: string }) {
  const keys = useResource<readonly ConfigKey[]>(`/connector-plugins/${encodeURIComponent(name)}/config`)
  const [isCreating, setCreating] = useState(false)
  if (keys.data === null) return <Loading resource={keys} />
  // Only connectors have the key of their class.
  const isConnector = keys.data.some((key) => key.name === 'connector.class')
  return (
    <>
      <div class="title">
        <div>
          <h1>{shortClass(name)}</h1>
          <p class="facts">
            <code class="muted">{name}</code>
          </p>
        </div>
        <div class="actions">
          {isConnector && !isCreating ? (
            <ActionButton role="admin" primary onClick={() => setCreating(true)}>
              New connector
            </ActionButton>
          ) : null}
          {isCreating ? null : <Filter />}
        </div>
      </div>
      {isCreating && may('admin') ? (
        <NewConnector plugin={name} definitions={keys.data} />
      ) : (
        <Options keys={keys.data.filter((key) => filtered([key.name, key.documentation]))} />
      )}
    </>
  )
}

function NewConnector({
  plugin,
  definitions,
}: {
  readonly plugin: string
  readonly definitions: readonly ConfigKey[]
}) {
  const create = async (config: Config): Promise<boolean> => {
    const name = config['name'] ?? ''
    const done = await run(
      `create ${name}`,
      `${name} is created.`,
      async () => await call('POST', '/connectors', { body: { name, config } }),
    )
    if (done) location.hash = hashOf('connectors', name)
    return done
  }
  return (
    <ConfigForm
      plugin={plugin}
      definitions={definitions}
      current={{}}
      initial={{ name: '', 'connector.class': plugin }}
      action="Create"
      onApply={create}
    />
  )
}

function Options({ keys }: { readonly keys: readonly ConfigKey[] }) {
  if (keys.length === 0) return <p class="empty">No option matches.</p>
  return (
    <Table>
      <table class="options">
        <thead>
          <tr>
            <th scope="col">Option</th>
            <th scope="col">Type</th>
            <th scope="col">Default</th>
            <th scope="col">Meaning</th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.name}>
              <th scope="row" class="mono wrap">
                {key.name}
              </th>
              <td class="muted">{key.type.toLowerCase()}</td>
              <td class="mono wrap">
                {key.required ? <span class="muted">required</span> : (key.default_value ?? '')}
              </td>
              <td class="wrap">{key.documentation}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Table>
  )
}
