import {
  isCode,
  isProduct,
  isTest,
  lineAt,
  parse,
  walk,
  type SourceFile,
  type SyntaxNode,
  type Violation,
} from '../source-file.ts'

const bannedNodes: Readonly<Record<string, string>> = {
  TSAnyKeyword: 'any',
  TSNonNullExpression: 'the non-null assertion !',
  TSEnumDeclaration: 'enum',
  TSModuleDeclaration: 'namespace',
  TSParameterProperty: 'a parameter property',
  ExportDefaultDeclaration: 'a default export',
}
// The tools that read these files ask for a default export.
const defaultExportFiles = new Set([
  'vitest.config.ts',
  'test/support/global-setup.ts',
  'test/support/count-reporter.ts',
])

/** What the house does without. */
export function language(files: readonly SourceFile[]): Violation[] {
  return files.filter(isCode).flatMap((file) => {
    const found: Violation[] = []
    const report = (offset: number, what: string): void => {
      found.push({ rule: 'language', path: file.path, message: `line ${lineAt(file.text, offset)}: ${what}` })
    }
    walk(parse(file).program, (node) => {
      const what = bannedNodes[node.type]
      if (what === undefined) return
      if (node.type === 'ExportDefaultDeclaration' && defaultExportFiles.has(file.path)) return
      if (node.type === 'TSModuleDeclaration' && isNamed(node['id'], 'Literal')) return
      report(node.start, what)
    })
    for (const { text, start } of parse(file).comments) {
      if (/@ts-(ignore|nocheck|expect-error)/.test(text)) report(start, 'a silenced type check')
      if (/\b(TODO|FIXME|XXX|HACK)\b/.test(text)) report(start, 'a plan in a comment')
    }
    return found
  })
}

const isNamed = (value: unknown, type: string): boolean =>
  typeof value === 'object' && value !== null && 'type' in value && value.type === type

const publicDoors = new Set(['src/api/index.ts', 'src/avro/index.ts', 'src/testing/index.ts'])

/** A module that only hands on others hides where things live; only what plugins import does so. */
export function barrels(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => isCode(file) && !publicDoors.has(file.path))
    .flatMap((file) => {
      const body = parse(file).program['body'] as readonly SyntaxNode[]
      const handsOn = (node: SyntaxNode): boolean =>
        /^Export(All|Named)Declaration$/.test(node.type) && isNamed(node['source'], 'Literal')
      return body.length > 1 && body.every(handsOn)
        ? [{ rule: 'barrels', path: file.path, message: 'only re-exports' }]
        : []
    })
}

/** Errors have names: `new Error(…)` is for the foundation, launchers and tests; a class that extends an error says so in its name. */
export function errors(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => isProduct(file) && !/^(src\/foundation|bin)\//.test(file.path))
    .flatMap((file) => {
      const found: Violation[] = []
      walk(parse(file).program, (node, parent) => {
        const line = lineAt(file.text, node.start)
        const callee = node['callee']
        if (
          node.type === 'NewExpression' &&
          isNode(callee) &&
          callee['name'] === 'Error' &&
          parent?.type === 'ThrowStatement'
        ) {
          found.push({ rule: 'errors', path: file.path, message: `line ${line}: throws a plain Error` })
        }
        const [id, superClass] = [node['id'], node['superClass']]
        if (!node.type.startsWith('Class') || !isNode(id) || !isNode(superClass)) return
        if (String(superClass['name']).endsWith('Error') && !String(id['name']).endsWith('Error')) {
          found.push({
            rule: 'errors',
            path: file.path,
            message: `line ${line}: ${String(id['name'])} does not end in Error`,
          })
        }
      })
      return found
    })
}

const isNode = (value: unknown): value is SyntaxNode => typeof value === 'object' && value !== null && 'type' in value

const timeSources: readonly (readonly [RegExp, string])[] = [
  [/(?<!\.)\bset(Timeout|Interval)\b/, 'a timer'],
  [/\bDate\.now\b|\bnew Date\(\)/, 'the machine clock'],
  [/\bperformance\.now\b/, 'the machine clock'],
]

/** Time comes through the clock seam. */
export function time(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => isProduct(file) && !/^(src\/foundation\/clock\.ts$|bin\/|dashboard\/)/.test(file.path))
    .flatMap((file) => {
      const code = withoutComments(file)
      return timeSources.flatMap(([pattern, what]) => {
        const match = pattern.exec(code)
        return match === null
          ? []
          : [
              {
                rule: 'time',
                path: file.path,
                message: `line ${lineAt(code, match.index)}: ${what}, not the clock seam`,
              },
            ]
      })
    })
}

/** Tests wait for conditions and meet real parts: no sleeps, no module mocks, no fake timers. */
export function tests(files: readonly SourceFile[]): Violation[] {
  const bans: readonly (readonly [RegExp, string])[] = [
    [/\bvi\.(mock|doMock|hoisted|useFakeTimers)\(|\bjest\./, 'a module mock or fake timer'],
    [
      /\bset(Timeout|Interval)\(|timers\/promises|\bsystemClock\.sleep\(|Atomics\.wait\(/,
      'a sleep: wait for a condition with a deadline (test/support)',
    ],
    [/\b(it|test|describe)\.only\(/, 'a focused test'],
  ]
  const judged = files.filter((file) => isTest(file) && isCode(file) && !/^test\/(support|tidy)\//.test(file.path))
  return judged.flatMap((file) => {
    const code = withoutComments(file)
    return bans.flatMap(([pattern, what]) => {
      const match = pattern.exec(code)
      return match === null
        ? []
        : [{ rule: 'tests', path: file.path, message: `line ${lineAt(code, match.index)}: ${what}` }]
    })
  })
}

/** The console belongs to commands; everything else has a logger. */
export function consoles(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => isProduct(file) && !/^(src\/cli|src\/quickstart|bin|dashboard)\//.test(file.path))
    .flatMap((file) => {
      const code = withoutComments(file)
      const match = /\bconsole\.|\bprocess\.std(out|err)\b/.exec(code)
      return match === null
        ? []
        : [{ rule: 'consoles', path: file.path, message: `line ${lineAt(code, match.index)}: writes to the console` }]
    })
}

/** The text with comments blanked, so that offsets and lines stay. */
function withoutComments(file: SourceFile): string {
  let code = file.text
  for (const { start, end } of parse(file).comments) {
    code = code.slice(0, start) + code.slice(start, end).replaceAll(/[^\n]/g, ' ') + code.slice(end)
  }
  return code
}
