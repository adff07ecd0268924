import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

import { parseSync } from 'oxc-parser'

/** A file of the repository; `path` is relative to its root, with slashes. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** One broken rule. */
export interface Violation {
  readonly rule: string
  readonly path: string
  readonly message: string
}

/** A node of the ESTree that oxc gives. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

/** A parsed file: what the rules look at. */
export interface ParsedFile extends SourceFile {
  readonly program: SyntaxNode
  readonly comments: readonly { readonly text: string; readonly start: number; readonly end: number }[]
  /** Modules named by import, export-from, `import()` and `typeof import()`, as written. */
  readonly imports: readonly string[]
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const textFile = /\.(tsx?|js|json|md|ya?ml|sh|java|sql|html|css|properties)$|^[^.]+$|^\.[a-z]+(rc)?$|Dockerfile$/

/** The paths of the files that git tracks or would track, relative to the root of the repository. */
export function repositoryPaths(): string[] {
  const options = ['ls-files', '-co', '--exclude-standard', '--deduplicate', '-z']
  const list = execFileSync('git', options, { cwd: root, encoding: 'utf8' })
  return list.split('\0').filter((path) => path !== '')
}

/** The files that git tracks or would track. */
export function repositoryFiles(): SourceFile[] {
  return repositoryPaths().flatMap((path) => {
    try {
      return [{ path, text: textFile.test(posix.basename(path)) ? readFileSync(join(root, path), 'utf8') : '' }]
    } catch {
      return [] // deleted, and git not told yet
    }
  })
}

const parsed = new WeakMap<SourceFile, ParsedFile>()

/** The syntax tree of a TypeScript or JavaScript file. */
export function parse(file: SourceFile): ParsedFile {
  const known = parsed.get(file)
  if (known !== undefined) return known
  const result = parseSync(file.path, file.text)
  if (result.errors.length > 0) throw new Error(`${file.path} does not parse: ${result.errors[0]?.message}`)
  // oxc's node types are a closed union; the rules walk all nodes alike.
  const program = result.program as unknown as SyntaxNode
  const comments = result.comments.map(({ value, start, end }) => ({ text: value, start, end }))
  const made = { ...file, program, comments, imports: findImports(program) }
  parsed.set(file, made)
  return made
}

function findImports(program: SyntaxNode): string[] {
  const found: string[] = []
  walk(program, (node) => {
    const source = node.type === 'TSImportType' ? (node['source'] ?? node['argument']) : node['source']
    if (isNode(source) && typeof source['value'] === 'string') found.push(source['value'])
  })
  return found
}

/** Whether a value in the tree is a node. */
export const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && 'type' in value

/** Visits a node and all below it, parents first. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, parent: SyntaxNode | null) => void,
  parent: SyntaxNode | null = null,
): void {
  visit(node, parent)
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) {
      for (const item of value) if (isNode(item)) walk(item, visit, node)
    } else if (isNode(value)) walk(value, visit, node)
  }
}

/** The line (from 1) at an offset. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line += 1
  return line
}

/** Lines, a last empty one left out. */
export function countLines(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
}

/** The repository path that a relative import names; null for packages. */
export function resolveImport(from: string, specifier: string): string | null {
  return specifier.startsWith('.') ? posix.join(dirname(from), specifier) : null
}

export const isCode = (file: SourceFile): boolean => /\.(tsx?|js)$/.test(file.path) && !file.path.endsWith('.d.ts')
export const isTest = (file: SourceFile): boolean => file.path.startsWith('test/')
/** What is shipped: not tests, benchmarks or configuration. */
export const isProduct = (file: SourceFile): boolean =>
  isCode(file) && /^(src|connectors|plugins|bin|dashboard)\//.test(file.path)

/** The value below which `share` of the numbers lie. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
