import { shortClass } from '../model/format.ts'
import { hashOf } from '../model/route.ts'
import { useResource } from '../state/resource.ts'
import { Filter, filtered } from '../view/filter.tsx'
import { Loading } from '../view/frame/loading.tsx'

interface Plugin {
  readonly class: string
  readonly type: string
  readonly version?: string
}

const titles: Readonly<Record<string, string>> = {
  source: 'Sources',
  sink: 'Sinks',
  converter: 'Converters',
  header_converter: 'Header converters',
  transformation: 'Transforms',
  predicate: 'Predicates',
}

/** The plugins of the worker, by kind. */
export function PluginsPage() {
  const plugins = useResource<readonly Plugin[]>('/connector-plugins?connectorsOnly=false')
  if (plugins.data === null) return <Loading resource={plugins} />
  const kinds = Map.groupBy(plugins.data, ({ type }) => type)
  const order = Object.keys(titles)
  const shown = [...kinds].toSorted(([a], [b]) => order.indexOf(a) - order.indexOf(b))
  return (
    <>
      <div class="head first">
        <h1>Plugins</h1>
        <span class="muted">{plugins.data.length}</span>
        <Filter />
      </div>
      {shown.map(([kind, list]) => (
        <PluginKind
          key={kind}
          title={titles[kind] ?? kind}
          plugins={list.filter((plugin) => filtered([plugin.class]))}
        />
      ))}
    </>
  )
}

function PluginKind({ title, plugins }: { readonly title: string; readonly plugins: readonly Plugin[] }) {
  if (plugins.length === 0) return null
  return (
    <section class="plugins" aria-label={title}>
      <h2>{title}</h2>
      <ul>
        {plugins.map((plugin) => (
          <li key={plugin.class}>
            <a href={hashOf('plugins', plugin.class)}>{shortClass(plugin.class)}</a>
            <code class="muted">{plugin.class}</code>
            <span class="muted">{plugin.version ?? ''}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
