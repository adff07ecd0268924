import type { IncompleteReason } from './capture-history-state.ts'

const shownTables = 20

/** The condition PG_UNREAD; null when all captured tables are complete. */
export function incompleteTablesMessage(
  incomplete: ReadonlyMap<number, IncompleteReason>,
  names: ReadonlyMap<number, string>,
): string | null {
  const of = (reason: IncompleteReason): string[] =>
    [...incomplete].flatMap(([oid, other]) => (other === reason ? (names.get(oid) ?? []) : []))
  const list = (tables: readonly string[]): string => {
    const more = tables.length > shownTables ? `, and ${tables.length - shownTables} more,` : ''
    return `${tables.slice(0, shownTables).join(', ')}${more}`
  }
  const [joined, gaps, recreated] = [of('joined'), of('gap'), of('recreated')]
  const lines = [
    ...(joined.length === 0
      ? []
      : [`${list(joined)} joined the captured tables after the snapshot: rows written before that are not captured.`]),
    ...(gaps.length === 0
      ? []
      : [
          `${list(gaps)} left the captured tables or the publication, was renamed, or was published with another row filter, ` +
            'column list or options, or by another publication, for some time: changes and deletions made in that time may be missing.',
        ]),
  ]
  if (recreated.length > 0) {
    lines.push(
      `${list(recreated)} was dropped and created again: topics and sinks still hold the rows of the dropped table, because ` +
        'DROP TABLE sends no deletions. Delete those rows in the sinks.',
    )
  }
  if (lines.length === 0) return null
  return (
    `${lines.join(' ')} To read all tables again, set snapshot.mode to always, and set it back when ` +
    'GET /connectors/<name>/offsets shows another offset.'
  )
}
