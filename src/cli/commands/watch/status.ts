import { exitCodes } from '../../../foundation/process/exit-codes.ts'
import type { Verb } from '../../command/command.ts'
import type { Output } from '../../output/output.ts'
import { stateCell, tasksText } from '../../output/states.ts'
import type { Cell } from '../../output/table.ts'
import { bytesText, counted, durationText, grouped } from '../../output/text.ts'
import type { ListedConnector, ServerInfo } from '../../rest-client/entities.ts'
import { ConnectApi } from '../../rest-client/connect-api.ts'
import { PenstockApi } from '../../rest-client/penstock-api.ts'
import type { Activity } from '../../rest-client/penstock-entities.ts'
import { flowOf, lagText } from '../../status/flow.ts'
import { problemLines, problemsOf, worstFirst, type Problem } from '../../status/problems.ts'

export const status: Verb = {
  usage: 'status',
  summary: 'Show on one screen what runs, how far it is behind, and what is wrong',
  detail: 'What is wrong comes first, each with cause and fix. Exits with 1 if anything has failed or does not flow.',
  examples: [
    ['status', 'look at the worker'],
    ['status --json', 'the same for a program'],
  ],
  isRemote: true,
  async run(session) {
    const { out, clock } = session
    const rest = await session.rest()
    const [connect, penstock] = [new ConnectApi(rest), new PenstockApi(rest)]
    const [server, connectors, activity, diagnosis] = await Promise.all([
      connect.server(),
      connect.connectors(),
      penstock.activityIfAny(),
      penstock.diagnosisIfAny(),
    ])
    const found = worstFirst(diagnosis?.findings ?? problemsOf(connectors))
    const problems = found.filter(({ severity }) => severity !== 'info')
    out.result({ server, url: rest.url, problems, connectors, activity }, () => [
      headLine(out, { url: rest.url, server, activity }),
      '',
      ...problemsText(out, problems, clock.now()),
      ...connectorLines(out, connectors, activity),
    ])
    return problems.some(({ severity }) => severity === 'error') ? exitCodes.found : exitCodes.done
  },
}

interface Head {
  readonly url: string
  readonly server: ServerInfo
  readonly activity: Activity | null
}

/** A commit of Kafka Connect is a number. */
export const isPenstock = ({ commit }: ServerInfo): boolean => commit === 'penstock'

function headLine(out: Output, { url, server, activity }: Head): string {
  const name = isPenstock(server)
    ? `Penstock ${activity?.worker.version ?? ''}`.trim()
    : `Kafka Connect ${server.version}`
  const { started = null, memory_bytes: memory = null } = activity?.worker ?? {}
  const facts = [
    url,
    ...(started === null || activity === null ? [] : [`up ${durationText(activity.time - started * 1000)}`]),
    ...(memory === null ? [] : [bytesText(memory)]),
  ]
  return `${out.paint('bold', name)}  ${facts.join('  ')}`
}

function problemsText(out: Output, problems: readonly Problem[], now: number): readonly string[] {
  if (problems.length === 0) return [`${out.paint('green', '✔')} nothing is wrong`, '']
  return problems.flatMap((problem) => [...problemLines(out, problem, now), ''])
}

const columns = [
  { title: 'CONNECTOR', narrow: 'cut' },
  { title: 'TYPE' },
  { title: 'STATE' },
  { title: 'TASKS' },
  { title: 'RECORDS', align: 'right' },
  { title: 'ERRORS', align: 'right' },
  { title: 'BEHIND', narrow: 'cut' },
] as const

function connectorLines(out: Output, all: readonly ListedConnector[], activity: Activity | null): readonly string[] {
  if (all.length === 0) return ['No connectors yet. Create one: penstock connectors create --help']
  const isFailed = ({ status: each }: ListedConnector): boolean =>
    each !== null && [each.connector, ...each.tasks].some(({ state }) => state === 'FAILED')
  const sorted = all.toSorted((a, b) => Number(isFailed(b)) - Number(isFailed(a)))
  // Kafka Connect has no counts.
  const shown = activity === null ? columns.slice(0, 4) : columns
  return [
    ...out.table(
      shown,
      sorted.map((each) => rowOf(each, activity).slice(0, shown.length)),
    ),
    '',
    summary(all),
  ]
}

function rowOf({ name, info, status: each }: ListedConnector, activity: Activity | null): readonly Cell[] {
  const flow = flowOf(activity?.connectors[name])
  const states = each?.tasks.map(({ state }) => state) ?? []
  const tasks = tasksText(states)
  return [
    name,
    info?.type ?? each?.type ?? '',
    each === null ? 'starting' : stateCell(each.connector.state),
    states.includes('FAILED') ? { text: tasks, style: 'red' } : tasks,
    flow.written === null ? '' : grouped(flow.written),
    flow.errors === null || flow.errors === 0 ? '' : { text: grouped(flow.errors), style: 'yellow' },
    lagText(flow),
  ]
}

function summary(all: readonly ListedConnector[]): string {
  const tasks = all.flatMap(({ status: each }) => each?.tasks ?? [])
  const running = tasks.filter(({ state }) => state === 'RUNNING').length
  return `${counted(all.length, 'connector')}, ${counted(tasks.length, 'task')}, ${running} running`
}
