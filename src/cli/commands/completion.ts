import { nextWord, type Candidate } from '../completion/candidates.ts'
import { completionScripts, shells, type Shell } from '../completion/scripts.ts'
import type { CommandList, Verb } from '../command/command.ts'
import { CommandError } from '../command/command-error.ts'
import type { Session } from '../command/session.ts'
import { PenstockApi } from '../rest-client/penstock-api.ts'
import { contextsFile, readContexts } from '../contexts/contexts.ts'
import type { ConnectApi } from '../rest-client/connect-api.ts'

export const completion: Verb = {
  usage: 'completion SHELL [WORD...]',
  summary: 'Print the script that completes commands in bash, zsh or fish',
  detail:
    'The script completes commands, options, and names of connectors, plugins and contexts. It asks penstock completion words.',
  examples: [
    ['completion bash >> ~/.bashrc', 'for bash'],
    ['completion zsh >> ~/.zshrc', 'for zsh'],
    ['completion fish > ~/.config/fish/completions/penstock.fish', 'for fish'],
  ],
  isRemote: false,
  hasJson: false,
  async run(session, given, list) {
    const [shell, ...words] = given.words
    const { terminal } = session.surroundings
    if (shell === 'words') {
      const found = await candidatesFor(session, list, words)
      terminal.write(found.map(({ word, meaning }) => `${word}\t${meaning}\n`).join(''))
      return
    }
    if (!isShell(shell)) throw new CommandError(`SHELL is ${shells.join(', ')}, not "${shell}"`)
    terminal.write(completionScripts[shell])
  },
}

const isShell = (name: string | undefined): name is Shell => shells.some((shell) => shell === name)

async function candidatesFor(
  session: Session,
  list: CommandList,
  words: readonly string[],
): Promise<readonly Candidate[]> {
  const [before, current] = [words.slice(0, -1), words.at(-1) ?? '']
  const [name, ...rest] = before
  if (name === undefined) return await commandNames(list)
  const own = Object.hasOwn(list.own, name) ? list.own[name] : undefined
  if (own !== undefined) {
    const usage = await own.usage()
    return [...new Set([...usage.matchAll(/^ {2,}(--[\w-]+)/gm)].map(([, flag = '']) => flag))].map(plain)
  }
  const load = Object.hasOwn(list.commands, name) ? list.commands[name] : undefined
  if (load === undefined) return []
  const next = nextWord(await load(), rest, current)
  return next.kind === 'words' ? next.candidates : await valuesOf(session, next.name)
}

const plain = (word: string): Candidate => ({ word, meaning: '' })

async function commandNames({ commands, own }: CommandList): Promise<readonly Candidate[]> {
  const others = [...Object.keys(own), 'help', 'version'].map(plain)
  const described = await Promise.all(
    Object.entries(commands).map(async ([word, load]) => {
      const { summary } = await load()
      return { word, meaning: summary.slice(0, 1).toLowerCase() + summary.slice(1) }
    }),
  )
  return [...described, ...others]
}

/** What the values of an argument are called, and where they come from. A server that is away has none. */
const sources: Readonly<Record<string, (api: ConnectApi) => Promise<readonly Candidate[]>>> = {
  CONNECTOR: async (api) => (await api.connectorNames()).map(plain),
  CLASS: async (api) => (await api.plugins(false)).map(({ class: word, type }) => ({ word, meaning: type })),
  TOPIC: async ({ rest }) => (await new PenstockApi(rest).topics()).map(({ name }) => plain(name)),
  LOGGER: async (api) => Object.keys(await api.loggers()).map(plain),
}

async function valuesOf(session: Session, name: string): Promise<readonly Candidate[]> {
  const own: Readonly<Record<string, () => readonly Candidate[]>> = {
    NAME: () => Object.keys(readContexts(contextsFile(session.surroundings.env)).contexts).map(plain),
    SHELL: () => shells.map(plain),
    LEVEL: () => ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'OFF'].map(plain),
  }
  const local = own[name]
  if (local !== undefined) return local()
  const source = sources[name]
  try {
    return source === undefined ? [] : await source(await session.api())
  } catch (error) {
    if (error instanceof CommandError) return []
    throw error
  }
}
