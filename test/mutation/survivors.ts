/** A mutant that no test killed, as the table shows it. */
export interface Survivor {
  readonly path: string
  readonly line: number
  readonly change: string
  /** Why it may live: filled in by hand, kept by the next run. Empty when no one has judged it yet. */
  readonly reason: string
}

export interface LastRun {
  readonly date: string
  readonly commit: string
  readonly command: string
  readonly counts: string
}

const runMark = '<!-- last run -->'
const tableHead = ['| place | change | reason |', '| --- | --- | --- |']

/** The rows of the table in a document. */
export function readSurvivors(document: string): readonly Survivor[] {
  return document.split('\n').flatMap((line) => {
    const cells = line.match(/^\| (\S+):(\d+) +\| `(.*)` +\| (.*?) *\|$/)
    if (cells === null) return []
    const [, path = '', at = '', change = '', reason = ''] = cells
    return [{ path, line: Number(at), change: change.replaceAll('\\|', '|'), reason }]
  })
}

/** What names a survivor in all runs: its line may move. */
export function survivorKey({ path, change }: Pick<Survivor, 'path' | 'change'>): string {
  return `${path} ${change}`
}

/** The document with these rows and this run in place of those that it has. */
export function writeSurvivors(document: string, run: LastRun, survivors: readonly Survivor[]): string {
  const head = document.slice(0, document.indexOf(runMark))
  const rows = survivors
    .toSorted((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1))
    .map(({ path, line, change, reason }) => `| ${path}:${line} | \`${change.replaceAll('|', '\\|')}\` | ${reason} |`)
  const lines = [runMark, '', `Last run: ${run.date}, commit ${run.commit}, \`${run.command}\`: ${run.counts}.`, '']
  return `${head}${[...lines, ...tableHead, ...rows].join('\n')}\n`
}
