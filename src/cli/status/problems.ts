import { causeOf } from '../output/states.ts'
import type { Output } from '../output/output.ts'
import type { Style } from '../output/terminal.ts'
import { durationText } from '../output/text.ts'
import type { ListedConnector } from '../rest-client/entities.ts'
import type { Finding, WorkerDiagnosis } from '../rest-client/penstock-entities.ts'

/** What is wrong, with the connector that it is about; null for the worker itself. */
export type Problem = WorkerDiagnosis['findings'][number]

const ranks: Readonly<Record<Finding['severity'], number>> = { error: 0, warning: 1, info: 2 }

/** The worst first, otherwise in their order. */
export const worstFirst = (problems: readonly Problem[]): readonly Problem[] =>
  problems.toSorted((a, b) => ranks[a.severity] - ranks[b.severity])

/** What the statuses of connectors alone say: with a server that has no diagnosis. */
export function problemsOf(connectors: readonly ListedConnector[]): readonly Problem[] {
  return connectors.flatMap(({ name, info, status }) => {
    if (status === null) return []
    const parts = [
      { task: null, ...status.connector },
      ...status.tasks.map(({ id, ...rest }) => ({ ...rest, task: id })),
    ]
    return parts.flatMap(({ task, state, trace }) => {
      const isFailed = state === 'FAILED'
      if (!isFailed && causeOf(trace) === '') return []
      const fix = isFailed ? 'Correct the cause, and restart what failed.' : 'See the whole reason.'
      const command = isFailed ? `penstock connectors restart ${name} --only-failed` : `penstock connectors get ${name}`
      return [
        {
          connector: name,
          code: state,
          severity: isFailed ? ('error' as const) : ('warning' as const),
          stage: info?.type ?? 'worker',
          task,
          since: null,
          cause: causeOf(trace) || `It is ${state}.`,
          evidence: {},
          fix,
          commands: [command],
        },
      ]
    })
  })
}

const marks: Readonly<Record<Finding['severity'], readonly [string, Style]>> = {
  error: ['✖', 'red'],
  warning: ['!', 'yellow'],
  info: ['·', 'cyan'],
}

/** A problem for a person: what it is about, the cause, the fix, and what to type. */
export function problemLines(out: Output, problem: Problem, now: number): readonly string[] {
  const { connector, code, severity, task, since, cause, evidence, fix, commands } = problem
  const [mark, style] = marks[severity]
  const about = [connector ?? 'worker', ...(task === null ? [] : [`task ${task}`]), code].join('  ')
  const age = since === null ? '' : out.paint('dim', `  for ${durationText(Math.max(0, now - Date.parse(since)))}`)
  const facts = Object.entries(evidence).map(([name, value]) => `${name.replaceAll('_', ' ')} ${String(value)}`)
  return [
    `${out.paint(style, mark)} ${out.paint('bold', about)}${age}`,
    ...out.pairs(
      [
        ['cause', cause],
        ...(facts.length === 0 ? [] : [['seen', facts.join(', ')] as const]),
        ['fix', fix],
        ...commands.map((command, at) => [at === 0 ? 'run' : 'or', { text: command, style: 'cyan' }] as const),
      ],
      4,
    ),
  ]
}
