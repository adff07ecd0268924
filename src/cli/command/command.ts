import { CommandError } from './command-error.ts'
import type { Session } from './session.ts'

/** An option of a command. */
export interface Option {
  /** As the user writes it, with the value that it takes: `--set KEY=VALUE`, `--dry-run`, `-f, --follow`. */
  readonly flags: string
  readonly summary: string
  /** May be given several times. */
  readonly repeats?: boolean
  /** The values that it may have. */
  readonly choices?: readonly string[]
}

/** One thing that `penstock` does. Help, completion and docs/reference/command-line.md are made of it. */
export interface Verb {
  /** Its name and arguments: `get CONNECTOR`, `apply FILE...`, `why [CONNECTOR]`. */
  readonly usage: string
  /** One line, without a full stop. */
  readonly summary: string
  /** What the summary leaves out. */
  readonly detail?: string
  readonly options?: readonly Option[]
  /** Complete command lines, without `penstock`, each with what it does. */
  readonly examples: readonly (readonly [command: string, meaning: string])[]
  /** Whether it sends requests to a server, and has the options that name one. */
  readonly isRemote: boolean
  /** Whether {@link Option} `--json` makes sense; true unless given. */
  readonly hasJson?: boolean
  /** Runs it. Returns the exit code; nothing stands for 0. @throws CommandError */
  run(session: Session, given: Given, list: CommandList): Promise<number | void>
}

/** Verbs about one noun: `penstock connectors list`. */
export interface Group {
  readonly name: string
  readonly summary: string
  readonly verbs: readonly Verb[]
}

/** What `penstock NAME` is. */
export type Command = Verb | Group

/** All commands by name. Imported when used, so that each loads only its own modules. */
export interface CommandList {
  readonly commands: Readonly<Record<string, () => Promise<Command>>>
  /** Those that parse their own arguments, each with its usage. */
  readonly own: Readonly<Record<string, OwnCommand>>
}

export interface OwnCommand {
  readonly run: (args: readonly string[]) => Promise<number>
  readonly usage: () => Promise<string>
}

export const isGroup = (command: Command): command is Group => 'verbs' in command

/** The name of a verb: the first word of its usage. */
export const nameOf = ({ usage }: Verb): string => usage.split(' ')[0] ?? ''

/** The arguments that a verb takes: `CONNECTOR`, `[TASK]`, `FILE...`. */
export const argumentsOf = ({ usage }: Verb): readonly string[] => usage.split(' ').slice(1)

/** The long name of an option, without its dashes: `dry-run`. */
export const optionName = ({ flags }: Option): string => /--([\w-]+)/.exec(flags)?.[1] ?? ''

/** Whether an option takes a value. */
export const takesValue = ({ flags }: Option): boolean => / [A-Z]/.test(flags)

/** What a server is named by. */
export const remoteOptions: readonly Option[] = [
  { flags: '--url URL', summary: 'the server; instead of that of the context' },
  { flags: '--context NAME', summary: 'the context to use; see penstock context' },
]

export const jsonOption: Option = { flags: '--json', summary: 'print JSON, for programs' }

/** All options of a verb. */
export function optionsOf(verb: Verb): readonly Option[] {
  const json = verb.hasJson === false ? [] : [jsonOption]
  return [...(verb.options ?? []), ...json, ...(verb.isRemote ? remoteOptions : [])]
}

/** The arguments and options of a command line. */
export class Given {
  /** The arguments. */
  readonly words: readonly string[]
  readonly #options: Readonly<Record<string, unknown>>

  /** @param options by long name: text, a list of texts, or true */
  constructor(words: readonly string[], options: Readonly<Record<string, unknown>>) {
    this.words = words
    this.#options = options
  }

  /** The argument at `index`, which the usage asks for. */
  word(index: number): string {
    return this.words[index] ?? ''
  }

  flag(name: string): boolean {
    return this.#options[name] === true
  }

  /** The value of an option; null when it is not given. */
  text(name: string): string | null {
    const value = this.#options[name]
    return typeof value === 'string' ? value : null
  }

  /** The values of an option that may be given several times. */
  list(name: string): readonly string[] {
    const value = this.#options[name]
    return Array.isArray(value) ? value.map(String) : []
  }

  /** The value of an option that is a whole number of at least `least`. @throws CommandError */
  count(name: string, otherwise: number, least = 1): number {
    const text = this.text(name)
    if (text === null) return otherwise
    const number = Number(text)
    if (/^\d{1,9}$/.test(text) && number >= least) return number
    throw new CommandError(`--${name} is a whole number of at least ${least}, not "${text}"`)
  }
}

/** Parses values of `--set KEY=VALUE`. @throws CommandError */
export function settingsOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const end = pair.indexOf('=')
      if (end <= 0) throw new CommandError(`--set takes KEY=VALUE, not "${pair}"`)
      return [pair.slice(0, end).trim(), pair.slice(end + 1)]
    }),
  )
}
