import type { Verb } from '../../command/command.ts'
import { counted } from '../../output/text.ts'

export const deleteConnectors: Verb = {
  usage: 'delete CONNECTOR...',
  summary: 'Delete connectors',
  detail: 'Their topics and offsets stay: a connector of the same name continues where this one was.',
  options: [{ flags: '-y, --yes', summary: 'do not ask' }],
  examples: [
    ['connectors delete orders', 'asks before it deletes'],
    ['connectors delete orders lines --yes', 'delete two without a question, as in a script'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const api = await session.api()
    for (const name of given.words) await api.connector(name)
    const what = given.words.length === 1 ? given.word(0) : counted(given.words.length, 'connector')
    await session.confirm(`Delete ${what}?`, given.flag('yes'))
    for (const name of given.words) {
      await api.delete(name)
      if (!out.json) out.lines([`${out.paint('green', '✔')} deleted ${name}`])
    }
    if (out.json) out.result({ deleted: given.words }, () => [])
  },
}
