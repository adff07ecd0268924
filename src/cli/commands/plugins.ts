import { exitCodes } from '../../foundation/process/exit-codes.ts'
import type { Group, Verb } from '../command/command.ts'
import { CommandError } from '../command/command-error.ts'
import type { Output } from '../output/output.ts'
import type { Cell } from '../output/table.ts'
import { printable, wrapped } from '../output/text.ts'
import type { ConfigKey } from '../rest-client/entities.ts'

const kinds = ['source', 'sink', 'converter', 'header_converter', 'transformation', 'predicate']

const list: Verb = {
  usage: 'list',
  summary: 'List the plugins that the server can load',
  options: [
    { flags: '--all', summary: 'also converters, transforms and predicates' },
    { flags: '--type TYPE', summary: 'only plugins of this type', choices: kinds },
  ],
  examples: [
    ['plugins list', 'the connectors that can be created'],
    ['plugins list --type transformation', 'the transforms'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const type = given.text('type')
    const all = await (await session.api()).plugins(!given.flag('all') && type === null)
    const plugins = all.filter((plugin) => type === null || plugin.type === type)
    out.result(plugins, () => {
      if (plugins.length === 0) return ['The server has no such plugin.']
      const columns = [{ title: 'CLASS', narrow: 'cut' }, { title: 'TYPE' }, { title: 'VERSION' }] as const
      const rows = plugins.map((plugin) => [plugin.class, plugin.type, plugin.version ?? ''])
      return out.table(columns, rows)
    })
  },
}

const columns = [
  { title: 'OPTION', narrow: 'wrap' },
  { title: 'TYPE' },
  { title: 'DEFAULT', narrow: 'cut' },
  { title: 'MEANING', narrow: 'wrap' },
] as const

const describe: Verb = {
  usage: 'describe CLASS',
  summary: 'Show the options of a plugin',
  detail: 'CLASS is the class name of the plugin, or its alias: what comes after the last point.',
  options: [
    { flags: '--required', summary: 'only options that have no default' },
    { flags: '--filter TEXT', summary: 'only options with this text in their name or meaning' },
  ],
  examples: [
    ['plugins describe PostgresConnector', 'all options of the Postgres source'],
    ['plugins describe S3SinkConnector --filter flush', 'those of the S3 sink about flushing'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const filter = given.text('filter')?.toLowerCase() ?? ''
    const keys = (await (await session.api()).pluginConfig(given.word(0))).filter(
      (key) =>
        (!given.flag('required') || key.required) &&
        `${key.name} ${key.documentation ?? ''}`.toLowerCase().includes(filter),
    )
    if (keys.length === 0 && !out.json)
      throw new CommandError(`${given.word(0)} has no such option.`, exitCodes.notFound)
    out.result(keys, () =>
      out.terminal.columns < tableColumns
        ? keys.flatMap((key) => optionLines(out, key))
        : out.table(columns, keys.map(rowOf)),
    )
  },
}

/** On a narrower terminal, meanings stand below their options. */
const tableColumns = 110

function optionLines(out: Output, key: ConfigKey): readonly string[] {
  const { name, type, required, default_value: value, documentation } = key
  const otherwise = required
    ? out.paint('yellow', 'required')
    : value === null || value === ''
      ? ''
      : `default ${printable(value)}`
  const meaning = wrapped(printable((documentation ?? '').replaceAll(/\s+/g, ' ')), out.terminal.columns - 4)
  return [
    [out.paint('bold', printable(name)), type.toLowerCase(), otherwise].filter((part) => part !== '').join('  '),
    ...meaning.map((line) => `    ${line}`),
  ]
}

function rowOf({ name, type, required, default_value: value, documentation }: ConfigKey): readonly Cell[] {
  const otherwise: Cell = required ? { text: 'required', style: 'yellow' } : (value ?? '')
  return [name, type.toLowerCase(), otherwise, (documentation ?? '').replaceAll(/\s+/g, ' ')]
}

export const plugins: Group = {
  name: 'plugins',
  summary: 'list what can be run, with all options',
  verbs: [list, describe],
}
