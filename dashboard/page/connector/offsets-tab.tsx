import type { ComponentChildren } from 'preact'

import type { ConnectorView } from '../../model/connector-view.ts'

import { call, connectorPath } from '../../state/api.ts'
import { run } from '../../state/commands.ts'
import { useResource } from '../../state/resource.ts'
import { ActionButton } from '../../view/form/buttons.tsx'
import { ask } from '../../view/frame/dialog.tsx'
import { Loading } from '../../view/frame/loading.tsx'
import { Table } from '../../view/table.tsx'

interface Offsets {
  readonly offsets: readonly {
    readonly partition: Readonly<Record<string, unknown>>
    readonly offset: Readonly<Record<string, unknown>> | null
  }[]
}

const intervalMs = 3000

/** Where a connector stands in its source or in its topics. */
export function OffsetsTab({ view: { name, entry } }: { readonly view: ConnectorView }) {
  const offsets = useResource<Offsets>(connectorPath(name, '/offsets'), intervalMs)
  if (offsets.data === null) return <Loading resource={offsets} />
  const isStopped = entry.state === 'STOPPED'
  const reset = (): void =>
    ask({
      title: `Reset the offsets of ${name}?`,
      text:
        entry.type === 'sink'
          ? 'It reads its topics again as a new sink does, from their start unless its consumer is configured otherwise.'
          : 'It reads its source again as a new connector does, with a snapshot if it takes one.',
      action: 'Reset',
      onConfirm: () => {
        const send = async (): Promise<unknown> => await call('DELETE', connectorPath(name, '/offsets'))
        void run(`reset ${name}`, `The offsets of ${name} are reset.`, send).then(offsets.reload)
      },
    })
  return (
    <>
      {offsets.data.offsets.length === 0 ? (
        <p class="empty">No offsets yet.</p>
      ) : (
        <Table>
          <table>
            <thead>
              <tr>
                <th scope="col">Partition</th>
                <th scope="col">Offset</th>
              </tr>
            </thead>
            <tbody>
              {offsets.data.offsets.map(({ partition, offset }) => (
                <tr key={JSON.stringify(partition)}>
                  <td class="mono wrap">{pairs(partition)}</td>
                  <td class="mono wrap">{offset === null ? '–' : pairs(offset)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Table>
      )}
      <div class="actions below">
        <ActionButton role="admin" disabled={!isStopped} onClick={reset}>
          Reset offsets
        </ActionButton>
        {isStopped ? null : <span class="muted">Offsets can be reset while the connector is stopped.</span>}
      </div>
    </>
  )
}

/** Keys with values; those without one are left out. */
function pairs(values: Readonly<Record<string, unknown>>): ComponentChildren {
  return Object.entries(values)
    .filter(([, value]) => value !== null && value !== '')
    .map(([key, value]) => (
      <span key={key} class="pair">
        <span class="muted">{key}</span> {typeof value === 'object' ? JSON.stringify(value) : String(value)}
      </span>
    ))
}
