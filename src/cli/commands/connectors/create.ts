import { settingsOf, type Given, type Verb } from '../../command/command.ts'
import { CommandError } from '../../command/command-error.ts'
import { connectorsOf, type ConnectorDocument } from '../../configs/config-files.ts'

const states = ['running', 'paused', 'stopped']

export const createConnectors: Verb = {
  usage: 'create [FILE...]',
  summary: 'Create connectors from files, or one from --set options',
  detail:
    'A file is JSON, YAML or .properties, with one connector or several; - is standard input. A connector that exists ' +
    'already is an error: use connectors apply to change it.',
  options: [
    {
      flags: '--set KEY=VALUE',
      summary: 'an option of the connector, which overrides that of the file',
      repeats: true,
    },
    { flags: '--name NAME', summary: 'the name of the connector' },
    { flags: '--state STATE', summary: 'the state that it begins in', choices: states },
  ],
  examples: [
    ['connectors create orders.json', 'create the connector that a file describes'],
    [
      'connectors create --name lines --set connector.class=FileStreamSource --set file=in.txt --set topic=lines',
      'create one without a file',
    ],
    ['connectors create orders.yaml --state stopped', 'create it without running it, to set its offsets first'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const documents = await documentsOf(given, session.surroundings.stdin)
    const api = await session.api()
    const state = given.text('state')?.toUpperCase() ?? null
    const created = []
    for (const { name, config, initialState } of documents) {
      created.push(await api.create(name, config, state ?? initialState))
      if (!out.json) out.lines([`${out.paint('green', '✔')} created ${name}`])
    }
    if (out.json) out.result(created, () => [])
  },
}

/** @throws CommandError when neither files nor options describe a connector */
async function documentsOf(given: Given, stdin: () => Promise<string>): Promise<readonly ConnectorDocument[]> {
  const set = settingsOf(given.list('set'))
  const name = given.text('name') ?? set['name'] ?? null
  const files = await connectorsOf(given.words, stdin)
  if (files.length === 0) {
    if (name === null) throw new CommandError('Give a FILE, or --name NAME and --set KEY=VALUE for each option.')
    return [{ name, config: { ...set, name }, initialState: null, place: '--set' }]
  }
  if (files.length > 1 && name !== null) throw new CommandError('--name is for one connector; the files have several.')
  return files.map((each) => {
    const final = name ?? each.name
    return Object.assign({}, each, { name: final, config: Object.assign({}, each.config, set, { name: final }) })
  })
}
