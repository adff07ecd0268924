import { exitCodes } from '../../foundation/process/exit-codes.ts'
import type { Verb } from '../command/command.ts'
import { CommandError } from '../command/command-error.ts'
import { changesTo, make } from '../configs/changes.ts'
import type { ConnectorDocument } from '../configs/config-files.ts'
import { openSource, type ImportSource } from '../importing/import-source.ts'
import { judgedOptions, verdictOf, type JudgedOption, type Verdict } from '../importing/judged-options.ts'
import type { Output } from '../output/output.ts'
import type { Style } from '../output/terminal.ts'
import { counted } from '../output/text.ts'
import type { ConnectApi } from '../rest-client/connect-api.ts'

/** What becomes of a connector that is imported. */
interface Judged {
  readonly document: ConnectorDocument
  readonly verdict: Verdict
  readonly options: readonly JudgedOption[]
}

export const importConnectors: Verb = {
  usage: 'import SOURCE',
  summary: 'Say, option by option, what connectors of another Kafka Connect do here',
  detail:
    'SOURCE is the URL of a running Kafka Connect, context:NAME, a directory of config files, or one file (JSON, YAML, ' +
    '.properties). Each config is validated by the server here; options that it does not have, and defaults that differ, are ' +
    'named. Nothing changes without --apply, and nothing ever changes at SOURCE. Exits with 1 if a connector cannot run.',
  options: [
    { flags: '--all', summary: 'also list the options that work' },
    { flags: '--apply', summary: 'create the connectors that can run, in the state that they have there' },
    { flags: '-y, --yes', summary: 'do not ask before --apply' },
  ],
  examples: [
    ['import http://connect.example.com:8083', 'what a running Kafka Connect has, and what of it works here'],
    ['import ./connectors --apply', 'the files of a directory: create what can run'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const source = await openSource(given.word(0), session)
    const api = await session.api()
    const results: Judged[] = []
    for (const document of source.connectors) {
      const judged = await judge(api, source, document)
      results.push(judged)
      if (!out.json) out.lines(judgedLines(out, judged, given.flag('all')))
    }
    const able = results.filter(({ verdict }) => verdict !== 'cannot').map(({ document }) => document)
    if (!out.json) out.lines([summaryOf(results)])
    if (given.flag('apply') && able.length > 0) {
      await session.confirm(`Create or change ${counted(able.length, 'connector')} here?`, given.flag('yes'))
      for (const change of await changesTo(api, able)) {
        await make(api, change)
        if (!out.json) out.lines([`${out.paint('green', '✔')} ${change.document.name}: ${done[change.action]}`])
      }
    }
    if (out.json)
      out.result(
        results.map(({ document: { name }, verdict, options }) => ({ name, verdict, options })),
        () => [],
      )
    return able.length === results.length ? exitCodes.done : exitCodes.found
  },
}

/** Kafka Connect fails with 500 when it does not have the class. */
const refusals: ReadonlySet<number> = new Set([exitCodes.refused, exitCodes.notFound, exitCodes.serverFailed])

/** The first line, without the list of all plugins that there are. */
const shortened = (message: string): string =>
  (message.split('\n')[0] ?? '').replace(/^\S+ failed \(\d+\): /, '').replace(/,? available connectors are: .*$/, '')

const done = { create: 'created', update: 'changed', none: 'it was here already' } as const

async function judge(api: ConnectApi, source: ImportSource, document: ConnectorDocument): Promise<Judged> {
  const plugin = document.config['connector.class']?.trim() ?? ''
  const cannot = (reason: string): Judged => {
    const options = [{ option: 'connector.class', verdict: 'cannot' as const, reason }]
    return { document, verdict: 'cannot', options }
  }
  if (plugin === '') return cannot('it is missing')
  try {
    const infos = await api.validate(plugin, document.config)
    const options = judgedOptions({ config: document.config, infos, theirs: await source.keysOf(plugin) })
    return { document, verdict: verdictOf(options), options }
  } catch (error) {
    if (!(error instanceof CommandError) || !refusals.has(error.exitCode)) throw error
    return cannot(shortened(error.message))
  }
}

const marks: Readonly<Record<Verdict, readonly [string, Style]>> = {
  works: ['✔', 'green'],
  differs: ['!', 'yellow'],
  ignored: ['?', 'yellow'],
  cannot: ['✖', 'red'],
}

const words: Readonly<Record<Verdict, string>> = {
  works: 'works as it is',
  differs: 'runs, with differences',
  ignored: 'runs, with differences',
  cannot: 'cannot run',
}

function judgedLines(out: Output, { document, verdict, options }: Judged, isAll: boolean): readonly string[] {
  const [mark, style] = marks[verdict]
  const working = options.filter((option) => option.verdict === 'works').length
  const shown = options.filter((option) => isAll || option.verdict !== 'works')
  const rows = shown.map(({ option, verdict: each, reason }) => [
    { text: marks[each][0], style: marks[each][1] },
    option,
    reason === '' ? 'works' : reason,
  ])
  const columns = [{ title: '' }, { title: 'OPTION', narrow: 'wrap' }, { title: 'HERE', narrow: 'wrap' }] as const
  return [
    `${out.paint(style, mark)} ${out.paint('bold', document.name)}  ${words[verdict]}  ${out.paint('dim', document.config['connector.class'] ?? '')}`,
    ...(shown.length === 0 ? [] : out.table(columns, rows, 4)),
    `    ${counted(working, 'option')} ${working === 1 ? 'works' : 'work'} as ${working === 1 ? 'it is' : 'they are'}`,
    '',
  ]
}

function summaryOf(results: readonly Judged[]): string {
  const count = (wanted: Verdict): number => results.filter(({ verdict }) => verdict === wanted).length
  return `${counted(results.length, 'connector')}: ${count('works')} as they are, ${count('differs')} with differences, ${count('cannot')} cannot run`
}
