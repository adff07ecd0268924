import { exitCodes } from '../../../foundation/process/exit-codes.ts'
import { settingsOf, type Verb } from '../../command/command.ts'
import { CommandError } from '../../command/command-error.ts'
import { connectorsOf, type ConnectorDocument } from '../../configs/config-files.ts'
import type { Output } from '../../output/output.ts'
import { counted } from '../../output/text.ts'
import type { ConnectApi } from '../../rest-client/connect-api.ts'

/** An option with what is wrong with it. */
interface OptionErrors {
  readonly option: string
  readonly errors: readonly string[]
}

/** What a server says of a config. */
interface Validation {
  readonly name: string
  readonly place: string
  readonly valid: boolean
  readonly errors: readonly OptionErrors[]
}

export const validateConnectors: Verb = {
  usage: 'validate FILE...',
  summary: 'Have configs checked by the server, without creating anything',
  detail: 'Exits with 1 if a config has errors. Many plugins also connect to their systems to check a config.',
  options: [{ flags: '--set KEY=VALUE', summary: 'an option, which overrides that of the files', repeats: true }],
  examples: [['connectors validate orders.json', 'check a config before it is used']],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const documents = await connectorsOf(given.words, session.surroundings.stdin)
    const set = settingsOf(given.list('set'))
    const api = await session.api()
    const results: Validation[] = []
    for (const document of documents) {
      const result = await validated(api, { ...document, config: { ...document.config, ...set } })
      results.push(result)
      if (!out.json) out.lines(linesOf(out, result))
    }
    if (out.json) out.result(results, () => [])
    return results.every(({ valid }) => valid) ? exitCodes.done : exitCodes.found
  },
}

/** @throws CommandError when the config names no class, or the server cannot validate it */
async function validated(api: ConnectApi, { name, place, config }: ConnectorDocument): Promise<Validation> {
  const plugin = config['connector.class']?.trim() ?? ''
  if (plugin === '') throw new CommandError(`${place}: the connector "${name}" has no connector.class.`)
  const { error_count: count, configs } = await api.validate(plugin, config)
  const errors = configs.flatMap(({ definition, value }) => {
    if (value === null || value.errors.length === 0) return []
    return [{ option: value.name ?? definition?.name ?? '', errors: value.errors }]
  })
  return { name, place, valid: count === 0, errors }
}

function linesOf(out: Output, { name, place, valid, errors }: Validation): readonly string[] {
  if (valid) return [`${out.paint('green', '✔')} ${name} is valid (${place})`]
  const many = errors.reduce((sum, each) => sum + each.errors.length, 0)
  return [
    `${out.paint('red', '✖')} ${name} has ${counted(many, 'error')} (${place})`,
    ...out.pairs(
      errors.map(({ option, errors: texts }) => [option, texts.join('\n')] as const),
      4,
    ),
  ]
}
