import { exitCodes } from '../../../foundation/process/exit-codes.ts'
import type { Verb } from '../../command/command.ts'
import { changeLines, changesTo, make, type Change } from '../../configs/changes.ts'
import { connectorsOf } from '../../configs/config-files.ts'
import { counted } from '../../output/text.ts'

export const applyConnectors: Verb = {
  usage: 'apply FILE...',
  summary: 'Create or change connectors so that they are as files say',
  detail:
    'Shows first what differs, with secrets masked, and asks on a terminal. A file is JSON, YAML or .properties, with one ' +
    'connector or several; - is standard input. A second run changes nothing. Connectors that no file names stay as they are.',
  options: [
    { flags: '--dry-run', summary: 'only show what differs; exits with 1 if anything does' },
    { flags: '-y, --yes', summary: 'do not ask' },
  ],
  examples: [
    ['connectors apply orders.json', 'show what differs, ask, and change it'],
    ['connectors apply connectors/*.yaml --yes', 'all files of a directory, as in a pipeline'],
    ['connectors apply orders.json --dry-run', 'find out whether the server has it like this'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const documents = await connectorsOf(given.words, session.surroundings.stdin)
    const api = await session.api()
    const changes = await changesTo(api, documents)
    if (!out.json) for (const change of changes) out.lines(changeLines(change, out))
    const open = changes.filter(({ action }) => action !== 'none')
    const result = changes.map(({ document: { name }, action, differences }) => ({ name, action, differences }))
    if (given.flag('dry-run') || open.length === 0) {
      out.result(result, () => [summaryOf(open, 'would change')])
      return open.length > 0 ? exitCodes.found : exitCodes.done
    }
    // Without a terminal, the files say what is wanted.
    const isAsked = !out.json && session.surroundings.terminal.isInteractive
    await session.confirm(`Change ${counted(open.length, 'connector')}?`, given.flag('yes') || !isAsked)
    for (const change of open) {
      await make(api, change)
      if (!out.json)
        out.lines([
          `${out.paint('green', '✔')} ${change.action === 'create' ? 'created' : 'changed'} ${change.document.name}`,
        ])
    }
    out.result(result, () => [])
    return exitCodes.done
  },
}

const summaryOf = (open: readonly Change[], verb: string): string =>
  open.length === 0 ? 'The server has all of it.' : `${counted(open.length, 'connector')} ${verb}.`
