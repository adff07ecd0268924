import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { Verb } from '../../command/command.ts'
import { CommandError } from '../../command/command-error.ts'
import { changeLines, changesTo, make, type Change } from '../../configs/changes.ts'
import { parsedConnectors } from '../../configs/config-files.ts'

export const editConnector: Verb = {
  usage: 'edit CONNECTOR',
  summary: 'Change the config of a connector in an editor',
  detail:
    'Opens the config in $VISUAL or $EDITOR (vi), shows what differs, and asks. The file, which has the secrets of the config, ' +
    'can be read by this user only, and is removed afterwards. If the server refuses the config, the editor can open again.',
  options: [{ flags: '-y, --yes', summary: 'do not ask' }],
  examples: [
    ['connectors edit orders', 'edit it'],
    ['connectors edit orders --context prod', 'edit it on another server'],
  ],
  isRemote: true,
  hasJson: false,
  async run(session, given) {
    const { out, surroundings } = session
    const name = given.word(0)
    const api = await session.api()
    const { config } = await api.connector(name)
    const directory = mkdtempSync(join(tmpdir(), 'penstock-edit-'))
    const file = join(directory, 'connector.json')
    try {
      writeFileSync(file, `${JSON.stringify({ name, config }, null, 2)}\n`, { mode: 0o600 })
      for (;;) {
        edit(file, surroundings.env)
        try {
          const change = await changeOf(file, name, async (documents) => (await changesTo(api, documents))[0])
          out.lines(changeLines(change, out))
          if (change.action === 'none') return
          await session.confirm(`Change ${name}?`, given.flag('yes'))
          await make(api, change)
          out.lines([`${out.paint('green', '✔')} changed ${name}`])
          return
        } catch (error) {
          if (!(error instanceof CommandError) || !surroundings.terminal.isInteractive) throw error
          if (error.message === 'Nothing was changed.') throw error
          out.remark(`penstock: ${error.message}`)
          await session.confirm('Edit it again?', false)
        }
      }
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  },
}

/** What the edited file changes. @throws CommandError when it does not hold the connector any more */
async function changeOf(
  file: string,
  name: string,
  compare: (documents: Awaited<ReturnType<typeof parsedConnectors>>) => Promise<Change | undefined>,
): Promise<Change> {
  const documents = await parsedConnectors(readFileSync(file, 'utf8'), file)
  const change = documents.length === 1 && documents[0]?.name === name ? await compare(documents) : undefined
  if (change !== undefined) return change
  throw new CommandError(
    `The file has to hold the connector "${name}", and nothing else: a connector cannot be renamed.`,
  )
}

/** @throws CommandError when the editor cannot be run, or fails */
function edit(file: string, env: NodeJS.ProcessEnv): void {
  const editor = env['VISUAL'] ?? env['EDITOR'] ?? 'vi'
  // As git does: the variable may have options.
  const { status, error } = spawnSync('sh', ['-c', `${editor} "$@"`, editor, file], { stdio: 'inherit' })
  if (error !== undefined || status !== 0)
    throw new CommandError(`The editor "${editor}" failed; set EDITOR to one that is there. Nothing was changed.`)
}
