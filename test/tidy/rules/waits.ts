import {
  isCode,
  isTest,
  lineAt,
  parse,
  walk,
  type SourceFile,
  type SyntaxNode,
  type Violation,
} from '../source-file.ts'

/** As `patienceMs` of test/support: below it a deadline is a guess of how fast the machine is. */
const patienceMs = 60_000
/** Where the deadline stands among the arguments of a wait. */
const deadlineAt: Readonly<Record<string, number>> = {
  it: 2,
  until: 2,
  untilPasses: 1,
  failure: 0,
  pollUntil: 3,
  eventually: 1,
  healthyUntil: 2,
  waitFor: 2,
  waitForRecords: 1,
  end: 0,
  written: 2,
}
/** A signal that is meant to fire is shorter: nothing may depend on it being late. */
const meantToFireMs = 1000

/** Support may measure, to report it. */
const isSupport = (file: SourceFile): boolean => file.path.startsWith('test/support/')

const clocks: ReadonlySet<string> = new Set(['Date', 'performance', 'systemClock'])

/** Tests hold on a machine of any speed: a deadline bounds a hang, and no test measures how long something took. */
export function waits(files: readonly SourceFile[]): Violation[] {
  return files
    .filter((file) => isTest(file) && isCode(file) && !file.path.startsWith('test/tidy/'))
    .flatMap((file) => {
      const found: Violation[] = []
      walk(parse(file).program, (node) => {
        const what = shortDeadline(node) ?? (isSupport(file) ? null : elapsed(node))
        if (what !== null)
          found.push({ rule: 'waits', path: file.path, message: `line ${lineAt(file.text, node.start)}: ${what}` })
      })
      return found
    })
}

function shortDeadline(node: SyntaxNode): string | null {
  if (node.type === 'Property' && nameOf(node['key']) === 'timeout') return judged(node['value'], 0)
  if (node.type !== 'CallExpression') return null
  const args = node['arguments'] as readonly unknown[]
  const name = nameOf(node['callee'])
  if (name === 'timeout') return judged(args[0], meantToFireMs)
  const at = deadlineAt[name]
  return at === undefined ? null : judged(args[at], 0)
}

function judged(deadline: unknown, from: number): string | null {
  const ms = isNode(deadline) && deadline.type === 'Literal' ? deadline['value'] : null
  if (typeof ms !== 'number' || ms < from || ms >= patienceMs) return null
  return `a deadline of ${ms} ms: leave it out, or take patienceMs or more`
}

/** `performance.now() - since`: slow machines fail it, fast ones prove nothing by it. */
function elapsed(node: SyntaxNode): string | null {
  if (node.type !== 'BinaryExpression' || node['operator'] !== '-') return null
  const [left, right] = [node['left'], node['right']]
  if (isNode(right) && right.type === 'Literal') return null
  if (!isNode(left) || left.type !== 'CallExpression' || !isNode(left['callee'])) return null
  const clock = nameOf(left['callee']['object'])
  return clocks.has(clock) ? 'a time that passed: state what happened before what, or drive a clock' : null
}

/** The name of an identifier, or of the member that is called. */
function nameOf(value: unknown): string {
  if (!isNode(value)) return ''
  return value.type === 'MemberExpression' ? nameOf(value['property']) : String(value['name'] ?? '')
}

const isNode = (value: unknown): value is SyntaxNode => typeof value === 'object' && value !== null && 'type' in value
