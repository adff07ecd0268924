import type { Config, ConfigKey } from '../../model/config-form.ts'
import type { ConnectorView } from '../../model/connector-view.ts'

import { call, connectorPath } from '../../state/api.ts'
import { run } from '../../state/commands.ts'
import { useResource } from '../../state/resource.ts'
import { ConfigForm } from '../../view/form/config-form.tsx'
import { Loading } from '../../view/frame/loading.tsx'

/** The config of a connector, as a form. */
export function ConfigTab({ view: { name, entry } }: { readonly view: ConnectorView }) {
  const config = useResource<Config>(connectorPath(name, '/config'))
  const plugin = useResource<readonly ConfigKey[]>(`/connector-plugins/${encodeURIComponent(entry.class)}/config`)
  if (config.data === null) return <Loading resource={config} />
  const current = config.data
  const apply = async (next: Config): Promise<boolean> => {
    const done = await run(
      `apply ${name}`,
      `The config of ${name} is applied.`,
      async () => await call('PUT', connectorPath(name, '/config'), { body: next }),
    )
    if (done) config.reload()
    return done
  }
  // A plugin that this worker does not have is a config without definitions.
  if (plugin.data === null && plugin.error === null) return <Loading resource={plugin} />
  return (
    <ConfigForm
      key={JSON.stringify(current)}
      plugin={entry.class}
      definitions={plugin.data ?? []}
      current={current}
      initial={current}
      action="Apply"
      onApply={apply}
    />
  )
}
