import { Command as Parser, CommanderError, Option as ParserOption } from 'commander'

import { exitCodes } from '../../foundation/process/exit-codes.ts'
import {
  argumentsOf,
  Given,
  isGroup,
  nameOf,
  optionName,
  optionsOf,
  takesValue,
  type Command,
  type CommandList,
  type Verb,
} from './command.ts'
import { Session, type Surroundings } from './session.ts'

/** How wide help is at most: longer lines are hard to read. */
const maxHelpColumns = 110

interface Invocation {
  readonly words: readonly string[]
  readonly surroundings: Surroundings
  readonly list: CommandList
}

/** Runs `penstock NAME …`, and returns the exit code. @throws CommandError */
export async function runCommand(
  name: string,
  command: Command,
  { words, surroundings, list }: Invocation,
): Promise<number> {
  let code: number = exitCodes.done
  const run = async (verb: Verb, given: Given): Promise<void> => {
    const server = { url: given.text('url'), context: given.text('context') }
    const result = await verb.run(new Session(surroundings, { json: given.flag('json'), server }), given, list)
    code = result ?? exitCodes.done
  }
  try {
    await parserOf(name, command, { surroundings, run }).parseAsync([...words], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? exitCodes.done : exitCodes.failed
  }
  return code
}

interface Parsing {
  readonly surroundings: Surroundings
  readonly run: (verb: Verb, given: Given) => Promise<void>
}

function parserOf(name: string, command: Command, parsing: Parsing): Parser {
  if (!isGroup(command)) return verbParser(`penstock ${name}`, command, parsing)
  const group = basicParser(`penstock ${name}`, parsing).description(sentence(command.summary))
  group.usage('COMMAND').helpCommand(false)
  // Only the commands matter here.
  group.configureHelp({ ...group.configureHelp(), visibleOptions: () => [] })
  for (const verb of command.verbs) group.addCommand(verbParser(nameOf(verb), verb, parsing))
  group.addHelpText('after', `\nRun penstock ${name} COMMAND --help for its options and examples.`)
  return group
}

function basicParser(name: string, { surroundings: { terminal } }: Parsing): Parser {
  return new Parser(name)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.write(text),
      writeErr: (text) => terminal.writeError(text.replace(/^error: /, 'penstock: ')),
      getOutHelpWidth: () => Math.min(terminal.columns, maxHelpColumns),
      getErrHelpWidth: () => Math.min(terminal.columns, maxHelpColumns),
      getOutHasColors: () => terminal.hasColors,
    })
    .configureHelp({ styleTitle: (title) => (terminal.hasColors ? `\u001b[1m${title}\u001b[22m` : title) })
    .helpOption('-h, --help', 'show this help')
    .showHelpAfterError(`All options: ${name} --help`)
}

function verbParser(name: string, verb: Verb, parsing: Parsing): Parser {
  const parser = basicParser(name, parsing)
  parser.summary(verb.summary).description([sentence(verb.summary), verb.detail ?? ''].join('\n\n').trim())
  for (const argument of argumentsOf(verb)) parser.argument(parserArgument(argument))
  for (const option of optionsOf(verb)) parser.addOption(parserOption(option))
  parser.addHelpText('after', examplesText(verb))
  parser.action(async () => {
    const values = parser.opts<Record<string, unknown>>()
    const named = optionsOf(verb).map((option) => [optionName(option), values[camelCase(optionName(option))]])
    await parsing.run(verb, new Given(parser.args, Object.fromEntries(named)))
  })
  return parser
}

const sentence = (summary: string): string => `${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`

/** `FILE...` is `<FILE...>` to the parser, `[TASK]` stays. */
const parserArgument = (argument: string): string => (argument.startsWith('[') ? argument : `<${argument}>`)

function parserOption(option: ReturnType<typeof optionsOf>[number]): ParserOption {
  const flags = option.flags.replace(/ ([A-Z]\S*)$/, ' <$1>')
  const made = new ParserOption(flags, option.summary)
  if (option.choices !== undefined) made.choices(option.choices)
  if (option.repeats === true && takesValue(option))
    made.argParser((value: string, earlier: readonly string[] | undefined) => [...(earlier ?? []), value])
  return made
}

const camelCase = (name: string): string => name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase())

function examplesText({ examples }: Verb): string {
  if (examples.length === 0) return ''
  const lines = examples.flatMap(([command, meaning]) => [`  # ${meaning}`, `  penstock ${command}`])
  return `\nExamples:\n${lines.join('\n')}`
}
