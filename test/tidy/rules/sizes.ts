import {
  countLines,
  isCode,
  isProduct,
  isTest,
  lineAt,
  parse,
  percentile,
  walk,
  type SourceFile,
  type SyntaxNode,
  type Violation,
} from '../source-file.ts'

const limits = { file: 400, fileP90: 280, testFile: 600, function: 70, functionP90: 40, commentBlock: 12 }
// Message definitions and tables of options grow with what they describe.
const isTable = (file: SourceFile): boolean =>
  /^(src\/protocol\/messages\/|connectors\/[^/]+\/config\/config\.ts$)/.test(file.path)

/** Files stay readable in one sitting; tables are exempt. */
export function fileSizes(files: readonly SourceFile[]): Violation[] {
  const code = files.filter((file) => isCode(file) && !isTable(file))
  const over = code.flatMap((file) => {
    const lines = countLines(file.text)
    const limit = isTest(file) ? limits.testFile : limits.file
    return lines > limit ? [{ rule: 'file-size', path: file.path, message: `${lines} lines, limit ${limit}` }] : []
  })
  const typical = percentile(
    code.filter(isProduct).map((file) => countLines(file.text)),
    0.9,
  )
  if (typical <= limits.fileP90) return over
  return [
    ...over,
    {
      rule: 'file-size',
      path: 'src',
      message: `nine in ten files have up to ${typical} lines, limit ${limits.fileP90}`,
    },
  ]
}

/** Functions stay short; tests may describe at length. */
export function functionSizes(files: readonly SourceFile[]): Violation[] {
  const sizes = files.filter(isProduct).flatMap(functionLengths)
  const over = sizes
    .filter((size) => size.lines > limits.function)
    .map(({ path, line, lines }) => ({
      rule: 'function-size',
      path,
      message: `line ${line}: ${lines} lines, limit ${limits.function}`,
    }))
  const typical = percentile(
    sizes.map((size) => size.lines),
    0.9,
  )
  if (typical <= limits.functionP90) return over
  return [
    ...over,
    {
      rule: 'function-size',
      path: 'src',
      message: `nine in ten functions have up to ${typical} lines, limit ${limits.functionP90}`,
    },
  ]
}

function functionLengths(file: SourceFile): { path: string; line: number; lines: number }[] {
  const found: { path: string; line: number; lines: number }[] = []
  walk(parse(file).program, (node) => {
    if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) return
    const line = lineAt(file.text, node.start)
    found.push({ path: file.path, line, lines: lineAt(file.text, node.end) - line + 1 })
  })
  return found
}

/** One to two lines in ten explain; the contract for plugin authors may take more. Small areas are not judged. */
export function commentShares(files: readonly SourceFile[]): Violation[] {
  const whole = { comment: 0, all: 0 }
  const areas = new Map<string, { comment: number; all: number }>()
  for (const file of files.filter((each) => isProduct(each) && !isTable(each))) {
    const area = /^(src\/[^/]+|connectors\/[^/]+|plugins|bin|dashboard)\//.exec(file.path)?.[1] ?? file.path
    const total = areas.get(area) ?? { comment: 0, all: 0 }
    const contract = area === 'src/api' || area === 'src/foundation'
    for (const sum of contract ? [total] : [total, whole]) {
      sum.comment += commentLines(file)
      sum.all += file.text.split('\n').filter((line) => line.trim() !== '').length
    }
    areas.set(area, total)
  }
  const judge = (path: string, sum: { comment: number; all: number }, least: number, most: number): Violation[] => {
    const share = Math.round((sum.comment / sum.all) * 100)
    if (sum.all < 200 || (share >= least && share <= most)) return []
    return [{ rule: 'comment-share', path, message: `${share} % of the lines are comments, wanted ${least}–${most} %` }]
  }
  return [...judge('src', whole, 10, 20), ...[...areas].flatMap(([area, sum]) => judge(area, sum, 0, 35))]
}

function commentLines(file: SourceFile): number {
  const lines = new Set<number>()
  for (const { start, end } of parse(file).comments) {
    const first = lineAt(file.text, start)
    for (let line = first; line <= lineAt(file.text, end); line += 1) lines.add(line)
  }
  return lines.size
}

/** A comment longer than twelve lines is an essay, unless it heads its file or draws an on-disk format. */
export function commentBlocks(files: readonly SourceFile[]): Violation[] {
  return files.filter(isProduct).flatMap((file) => {
    const { comments, program } = parse(file)
    const firstStatement = (program['body'] as readonly SyntaxNode[]).find((node) => node.type !== 'ImportDeclaration')
    return comments.flatMap(({ text, start, end }) => {
      const lines = lineAt(file.text, end) - lineAt(file.text, start) + 1
      const heads = firstStatement === undefined || end <= firstStatement.start
      if (lines <= limits.commentBlock || heads || /^\*?\s*On disk/.test(text)) return []
      return [
        {
          rule: 'comment-block',
          path: file.path,
          message: `line ${lineAt(file.text, start)}: a comment of ${lines} lines, limit ${limits.commentBlock}`,
        },
      ]
    })
  })
}

const documentLimits: readonly (readonly [RegExp, number])[] = [
  [/^README\.md$/, 150],
  [/^ARCHITECTURE\.md$/, 250],
  [/^docs\/guides\/.*\.md$/, 300],
]

/** Documents that are read, not scrolled past. */
export function documentSizes(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => {
    const limit = documentLimits.find(([pattern]) => pattern.test(file.path))?.[1]
    const lines = countLines(file.text)
    return limit === undefined || lines <= limit
      ? []
      : [{ rule: 'document-size', path: file.path, message: `${lines} lines, limit ${limit}` }]
  })
}
