import {
  argumentsOf,
  isGroup,
  nameOf,
  optionName,
  optionsOf,
  takesValue,
  type Command,
  type Option,
  type Verb,
} from '../command/command.ts'

/** A word that may come next, and what it means. */
export interface Candidate {
  readonly word: string
  readonly meaning: string
}

/** What comes next in a command line: words that are known, or something that a server or a file has to be asked for. */
export type Next =
  | { readonly kind: 'words'; readonly candidates: readonly Candidate[] }
  /** The name of an argument: CONNECTOR, CLASS, TOPIC, NAME. */
  | { readonly kind: 'argument'; readonly name: string }

const words = (candidates: readonly Candidate[]): Next => ({ kind: 'words', candidates })
const none: Next = words([])

/** What may come after `before`, which begins with the word behind the name of the command. */
export function nextWord(command: Command, before: readonly string[], current: string): Next {
  if (!isGroup(command)) return nextOfVerb(command, before, current)
  const verb = command.verbs.find((each) => nameOf(each) === before[0])
  if (verb !== undefined) return nextOfVerb(verb, before.slice(1), current)
  return before.length > 0 ? none : words(command.verbs.map((each) => ({ word: nameOf(each), meaning: each.summary })))
}

function nextOfVerb(verb: Verb, before: readonly string[], current: string): Next {
  const options = optionsOf(verb)
  const last = options.find((option) => isFlagOf(option, before.at(-1) ?? ''))
  if (last !== undefined && takesValue(last)) return valuesOf(last)
  if (current.startsWith('-')) {
    const open = options.filter((option) => option.repeats === true || !before.some((word) => isFlagOf(option, word)))
    return words(open.map((option) => ({ word: `--${optionName(option)}`, meaning: option.summary })))
  }
  const given = before.filter((word, at) => {
    const owner = options.find((option) => isFlagOf(option, before[at - 1] ?? ''))
    return !word.startsWith('-') && !(owner !== undefined && takesValue(owner))
  })
  const all = argumentsOf(verb)
  const repeated = all.at(-1)?.includes('...') === true ? all.at(-1) : undefined
  const argument = all[given.length] ?? repeated
  return argument === undefined ? none : { kind: 'argument', name: argument.replaceAll(/[[\].]/g, '') }
}

function valuesOf(option: Option): Next {
  if (option.choices !== undefined) return words(option.choices.map((word) => ({ word, meaning: '' })))
  return {
    kind: 'argument',
    name: optionName(option) === 'context' ? 'NAME' : (/ (\S+)$/.exec(option.flags)?.[1] ?? ''),
  }
}

const isFlagOf = (option: Option, word: string): boolean =>
  option.flags
    .replace(/ [A-Z].*$/, '')
    .split(', ')
    .includes(word)
