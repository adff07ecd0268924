import type { DiagnosisFinding } from 'penstock/api'

/** `GET /_cluster/health` */
export interface Health {
  readonly status?: string
  readonly cluster_name?: string
  readonly number_of_nodes?: number
  readonly unassigned_shards?: number
}

/** A row of `GET /_cat/allocation` */
export interface Allocation {
  readonly node?: string
  readonly 'disk.percent'?: string | null
  readonly 'disk.avail'?: string | null
}

/** `GET /{index}/_settings/index.blocks.*` */
export type IndexBlocks = Readonly<
  Record<string, { readonly settings?: { readonly index?: { readonly blocks?: Readonly<Record<string, string>> } } }>
>

/** The defaults of cluster.routing.allocation.disk.watermark.high and flood_stage. Percent. */
const highPercent = 90

export function healthFindings(
  { status, number_of_nodes, unassigned_shards }: Health,
  url: string,
): readonly DiagnosisFinding[] {
  if (status !== 'red') return []
  const cause = `the cluster at ${url} is red: primary shards are not assigned, so writes to their indices wait (${unassigned_shards ?? '?'} shards unassigned, ${number_of_nodes ?? '?'} nodes)`
  const evidence = { url, status, unassigned_shards: unassigned_shards ?? null, nodes: number_of_nodes ?? null }
  return [finding('ES_CLUSTER_RED', cause, evidence, [`curl '${url}/_cluster/allocation/explain?pretty'`])]
}

export function diskFindings(rows: readonly Allocation[], url: string): readonly DiagnosisFinding[] {
  const full = rows.filter((row) => Number(row['disk.percent'] ?? 0) >= highPercent)
  const [first] = full
  if (first === undefined) return []
  const cause = `the disk of node ${first.node ?? '?'} is ${first['disk.percent']} % full, above the high watermark (${highPercent} %)`
  const evidence = {
    node: first.node ?? null,
    disk_percent: Number(first['disk.percent']),
    disk_available_bytes: Number(first['disk.avail'] ?? 0),
    nodes: full.length,
  }
  return [{ ...finding('ES_DISK_HIGH', cause, evidence, [`curl '${url}/_cat/allocation?v'`]), severity: 'warning' }]
}

/** The block of a full disk ends by itself; others were set by an operator or by a policy. */
export function blockFindings(indices: IndexBlocks, url: string): readonly DiagnosisFinding[] {
  return Object.entries(indices).flatMap(([index, { settings }]) => {
    const set = Object.entries(settings?.index?.blocks ?? {}).flatMap(([name, value]) =>
      value === 'true' ? [name] : [],
    )
    if (set.includes('read_only_allow_delete')) {
      const cause = `index ${index} is read-only, because a disk of the cluster was above its flood-stage watermark`
      return [
        finding('ES_WATERMARK', cause, { index, block: 'read_only_allow_delete' }, [
          `curl '${url}/_cat/allocation?v'`,
          unblock(url, index, 'read_only_allow_delete'),
        ]),
      ]
    }
    const block = set.find((name) => name === 'write' || name === 'read_only')
    if (block === undefined) return []
    return [
      finding(
        'ES_INDEX_BLOCKED',
        `index ${index} has the block index.blocks.${block}, so it takes no documents`,
        { index, block },
        [unblock(url, index, block)],
      ),
    ]
  })
}

function unblock(url: string, index: string, block: string): string {
  return `curl -X PUT '${url}/${index}/_settings' -H 'Content-Type: application/json' -d '{"index.blocks.${block}": null}'`
}

/** The worker adds what its catalogue says of the fix. */
function finding(
  code: string,
  cause: string,
  evidence: DiagnosisFinding['evidence'],
  commands: readonly string[],
): DiagnosisFinding {
  return { code, severity: 'error', stage: 'sink', cause, evidence, fix: '', commands }
}
