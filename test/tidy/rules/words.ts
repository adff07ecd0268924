import { isCode, type SourceFile, type Violation } from '../source-file.ts'

/** Words of translated English, and the word to write instead: the list of CONTRIBUTING.md. */
const banned: readonly (readonly [RegExp, string])[] = [
  [/\bfor ever\b/i, 'indefinitely'],
  [/\bunder way\b/i, 'in flight, in progress'],
  [/\b(?:goes on|(?<!no )go on|going on|went on)\b/i, 'continues'],
  [/\banew\b/i, 'again'],
  [/\b(?:made|makes|make) again\b/i, 'creates again'],
  [/\b(?:[Ss]omebody|[Aa]nybody|[Ee]verybody|[Nn]obody)\b/, 'a user, an operator, another client, no one'],
  [/\b(?:whoever|whom)\b/i, 'a named subject'],
  [/\bfolders?\b/i, 'directory'],
  [/\bcomes? right\b/i, 'is corrected'],
  [/\b(?:taken|takes|take) off\b/i, 'removed'],
  [/\b(?:stop|stops|stopped|end|ends|ended|close|closes|closed|leave|shutdown) in order\b/i, 'gracefully'],
  [/\bcannot be had\b/i, 'is unavailable'],
]

/** In tests these are also names of values. */
const bannedInProduct: typeof banned = [[/\banswer(?:s|ed|ing)?\b/i, 'return, respond, response']]

/** Where the words are listed, are names of accounts and values, or are those of others. */
const excluded: ReadonlySet<string> = new Set([
  'CONTRIBUTING.md',
  'LICENSE',
  'test/tidy/rules/words.ts',
  'test/tidy/tidy.test.ts',
  'src/servers/account.ts',
])

const isText = ({ path }: SourceFile): boolean => isCode({ path, text: '' }) || /\.(?:md|yaml)$/.test(path)
const isTried = ({ path }: SourceFile): boolean => /^(?:test|bench)\//.test(path)

/** Texts are plain technical English: the words of the list do not come back. */
export function words(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => isText(file) && !excluded.has(file.path))
    .flatMap((file) => {
      const list = isTried(file) ? banned : [...banned, ...bannedInProduct]
      return file.text.split('\n').flatMap((line, at) =>
        list.flatMap(([pattern, instead]) => {
          const found = pattern.exec(line)?.[0]
          return found === undefined
            ? []
            : [{ rule: 'words', path: file.path, message: `line ${at + 1}: "${found}": write ${instead}` }]
        }),
      )
    })
}
