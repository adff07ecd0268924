import { describe, expect, it } from 'vitest'

import { exceptions } from './exceptions.ts'
import { barrels, consoles, errors, language, tests, time } from './rules/language.ts'
import { cycles, doors, layers } from './rules/layers.ts'
import { commentBlocks, commentShares, documentSizes, fileSizes, functionSizes } from './rules/sizes.ts'
import { members } from './rules/members.ts'
import { dependencies, directorySizes, leaks, names, rootDirectory } from './rules/tree.ts'
import { waits } from './rules/waits.ts'
import { words } from './rules/words.ts'
import { repositoryFiles, type SourceFile, type Violation } from './source-file.ts'

type Rule = (files: readonly SourceFile[]) => Violation[]

const rules: Readonly<Record<string, Rule>> = {
  'imports go downwards, by the layer table': layers,
  'connectors and plugins use the public door only': doors,
  'no module imports itself in a circle': cycles,
  'files are readable in one sitting': fileSizes,
  'directories hold few files that belong together': directorySizes,
  'functions are short': functionSizes,
  'comments are one to two lines in ten': commentShares,
  'comments are no essays': commentBlocks,
  'documents keep to their limits': documentSizes,
  'the language is used without its back doors': language,
  'no barrels': barrels,
  'errors have names': errors,
  'time comes through the clock seam': time,
  'tests do not sleep or mock modules': tests,
  'tests hold on a machine of any speed': waits,
  'the console belongs to commands': consoles,
  'names say something': names,
  'texts are plain technical English': words,
  'public members of classes are used': members,
  'the root holds what its list holds': rootDirectory,
  'nothing names a machine or a registry host': leaks,
  'each dependency has its reason': dependencies,
}

describe('the repository', () => {
  const files = repositoryFiles()
  const used = new Set<string>()
  const excused = ({ rule, path }: Violation): boolean => {
    const exception = exceptions.find((each) => each.rule === rule && each.path === path)
    if (exception !== undefined) used.add(`${rule} ${path}`)
    return exception !== undefined
  }

  for (const [title, rule] of Object.entries(rules)) {
    it(title, () => {
      const broken = rule(files).filter((violation) => !excused(violation))
      expect(broken.map(({ rule: name, path, message }) => `${name}: ${path}: ${message}`)).toEqual([])
    })
  }

  it('has no exception that nothing needs', () => {
    const idle = exceptions.filter(({ rule, path }) => !used.has(`${rule} ${path}`))
    expect(idle).toEqual([])
  })
})

const file = (path: string, text: string): SourceFile => ({ path, text })
const lines = (count: number, line = 'call()'): string => `${line}\n`.repeat(count)

// Each rule with files that break it, and how often.
const fixtures: readonly (readonly [string, Rule, readonly SourceFile[], number])[] = [
  ['an upward import', layers, [file('src/log/a.ts', "import { b } from '../broker/b.ts'")], 1],
  ['an upward import of a type', layers, [file('src/api/a.ts', "export type A = import('../rest/b.ts').B")], 1],
  [
    'an import of the worker in the dashboard',
    layers,
    [file('dashboard/a.tsx', "import { b } from '../src/rest/b.ts'")],
    1,
  ],
  [
    'an import of the dashboard in the worker',
    layers,
    [file('src/rest/a.ts', "import { b } from '../../dashboard/b.ts'")],
    1,
  ],
  ['a layer without a row in the table', layers, [file('src/extra/a.ts', "import { b } from '../api/index.ts'")], 1],
  [
    'an import from src to a connector',
    layers,
    [file('src/rest/a.ts', "import { b } from '../../connectors/s3/b.ts'")],
    1,
  ],
  [
    'a connector that reaches into src',
    doors,
    [file('connectors/a/task.ts', "import { b } from '../../src/api/index.ts'")],
    1,
  ],
  ['a connector that imports another', doors, [file('connectors/a/task.ts', "export * from '../b/task.ts'")], 1],
  ['a deep import of the package', doors, [file('plugins/converters/a.ts', "import { b } from 'penstock/src/log'")], 1],
  ['the suites for plugins in a plugin', doors, [file('plugins/converters/a.ts', "import 'penstock/testing'")], 1],
  ['kafkajs outside the client', doors, [file('src/broker/a.ts', "import { Kafka } from 'kafkajs'")], 1],
  [
    'a cycle of types',
    cycles,
    [file('src/a/a.ts', "import type { B } from './b.ts'"), file('src/a/b.ts', "export { a } from './a.ts'")],
    1,
  ],
  [
    'a long file',
    fileSizes,
    [file('src/log/a.ts', lines(401)), ...Array.from({ length: 20 }, (_, n) => file(`src/log/${n}.ts`, ''))],
    1,
  ],
  ['a crowded directory', directorySizes, Array.from({ length: 13 }, (_, n) => file(`src/log/${n}.ts`, '')), 1],
  ['a long test file', fileSizes, [file('test/unit/a.test.ts', lines(601))], 1],
  ['many files of middling length', fileSizes, [file('src/log/a.ts', lines(300))], 1],
  [
    'a long function',
    functionSizes,
    [file('src/log/a.ts', `const a = () => {\n${lines(70)}}\n${lines(20, 'b(() => 1)')}`)],
    1,
  ],
  ['many functions of middling length', functionSizes, [file('src/log/a.ts', `const a = () => {\n${lines(50)}}`)], 1],
  ['code without comments', commentShares, [file('src/log/a.ts', lines(300))], 1],
  ['more comments than code', commentShares, [file('src/log/a.ts', lines(150) + lines(150, '// so'))], 2],
  ['an essay in the middle', commentBlocks, [file('src/log/a.ts', `call()\n/*\n${lines(12, 'so')}*/\n`)], 1],
  ['a long README', documentSizes, [file('README.md', lines(151, 'so'))], 1],
  ['any', language, [file('src/log/a.ts', 'export const a: any = 1')], 1],
  ['a non-null assertion', language, [file('test/a.ts', 'call(a!)')], 1],
  ['an enum', language, [file('src/log/a.ts', 'enum A { B }')], 1],
  ['a namespace', language, [file('src/log/a.ts', 'namespace A { call() }')], 1],
  ['a parameter property', language, [file('src/log/a.ts', 'class A { constructor(readonly a: string) {} }')], 1],
  ['a default export', language, [file('src/log/a.ts', 'export default 1')], 1],
  ['a silenced check', language, [file('src/log/a.ts', '// @ts-' + 'ignore\ncall()')], 1],
  ['a plan in a comment', language, [file('src/log/a.ts', '// TO' + 'DO later')], 1],
  ['a barrel', barrels, [file('src/log/index.ts', "export * from './a.ts'\nexport { b } from './b.ts'")], 1],
  ['a plain error', errors, [file('src/log/a.ts', "throw new Error('no')")], 1],
  ['an error class with another name', errors, [file('src/log/a.ts', 'class Bad extends LogError {}')], 1],
  ['a timer', time, [file('src/log/a.ts', 'setTimeout(() => {}, 1)')], 1],
  ['the machine clock', time, [file('connectors/a/a.ts', 'const a = Date.now()')], 1],
  ['a module mock', tests, [file('test/unit/a.test.ts', "vi.mock('./a.ts')")], 1],
  ['a sleep', tests, [file('test/unit/a.test.ts', "import { setTimeout as delay } from 'node:timers/promises'")], 1],
  ['a short deadline', waits, [file('test/unit/a.test.ts', "await until('a', () => b, 5000)")], 1],
  ['a short deadline of a poll', waits, [file('test/unit/a.test.ts', 'expect.poll(a, { timeout: 20_000 })')], 1],
  ['a short deadline of a signal', waits, [file('test/unit/a.test.ts', 'a(AbortSignal.timeout(10_000))')], 1],
  ['a short deadline of a test', waits, [file('test/unit/a.test.ts', "it('a', () => b(), 30_000)")], 1],
  ['a time that is measured', waits, [file('test/unit/a.test.ts', 'expect(performance.now() - a).toBe(1)')], 1],
  ['a focused test', tests, [file('test/unit/a.test.ts', "it.only('a', () => {})")], 1],
  ['a console line', consoles, [file('src/log/a.ts', 'console.log(1)')], 1],
  [
    'a member that nothing uses',
    members,
    [
      file('src/log/a.ts', 'export class A { used() {}\n#own() {}\nidle() {} }\nnew A().used()'),
      file('test/a.ts', 'a.idle()'),
    ],
    1,
  ],
  [
    'a word of translated English',
    words,
    [file('README.md', 'the worker goes on'), file('src/log/a.ts', '// a folder')],
    2,
  ],
  [
    'an answer of the product',
    words,
    [file('src/log/a.ts', '// answers'), file('test/unit/a.test.ts', '// answers')],
    1,
  ],
  ['a name that says nothing', names, [file('src/log/utils.ts', ''), file('src/helpers/a.ts', '')], 2],
  ['a name in another case', names, [file('src/log/PartitionLog.ts', '')], 1],
  ['a stray file in the root', rootDirectory, [file('notes.txt', '')], 1],
  ['a path of a machine', leaks, [file('docs/guides/a.md', 'see /wo' + 'rk/main')], 1],
  ['a registry host', leaks, [file('package-lock.json', 'https://registry.npm' + 'js.org/a')], 1],
  [
    'a dependency without a reason',
    dependencies,
    [
      file('package.json', '{"dependencies":{"pg":"1"}}'),
      file('CONTRIBUTING.md', ''),
      file('src/log/a.ts', "import 'pg'"),
    ],
    1,
  ],
  [
    'a dependency that only tests use',
    dependencies,
    [
      file('package.json', '{"dependencies":{"pg":"1"}}'),
      file('CONTRIBUTING.md', '`pg`'),
      file('test/a.ts', "import 'pg'"),
    ],
    1,
  ],
]

describe('a rule', () => {
  for (const [what, rule, files, count] of fixtures) {
    it(`sees ${what}`, () => {
      expect(rule(files)).toHaveLength(count)
    })
  }

  it('lets a comment speak of what the code may not do', () => {
    expect(time([file('src/log/a.ts', '// setTimeout is for the clock')])).toEqual([])
  })
})
