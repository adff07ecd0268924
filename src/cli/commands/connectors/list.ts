import type { Verb } from '../../command/command.ts'
import { stateCell, tasksText } from '../../output/states.ts'
import type { Cell } from '../../output/table.ts'
import type { ListedConnector } from '../../rest-client/entities.ts'

const columns = [
  { title: 'NAME', narrow: 'cut' },
  { title: 'TYPE' },
  { title: 'STATE' },
  { title: 'TASKS' },
  { title: 'CLASS', narrow: 'cut' },
] as const

export const listConnectors: Verb = {
  usage: 'list',
  summary: 'List the connectors with their states',
  options: [
    { flags: '--state STATE', summary: 'only connectors with this state, or with a task in it: RUNNING, FAILED, …' },
  ],
  examples: [
    ['connectors list', 'all connectors'],
    ['connectors list --state FAILED --json', 'the failed ones, for a program'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const state = given.text('state')?.toUpperCase() ?? null
    const all = (await (await session.api()).connectors()).filter(
      (each) => state === null || statesOf(each).includes(state),
    )
    out.result(all, () => {
      if (all.length === 0) return [state === null ? 'There are no connectors.' : `No connector is ${state}.`]
      return out.table(columns, all.map(rowOf))
    })
  },
}

const statesOf = ({ status }: ListedConnector): readonly string[] =>
  status === null ? [] : [status.connector.state, ...status.tasks.map(({ state }) => state)]

function rowOf({ name, info, status }: ListedConnector): readonly Cell[] {
  const states = status?.tasks.map(({ state }) => state) ?? []
  const tasks = tasksText(states)
  return [
    name,
    info?.type ?? status?.type ?? '',
    status === null ? 'starting' : stateCell(status.connector.state),
    states.includes('FAILED') ? { text: tasks, style: 'red' } : tasks,
    info?.config['connector.class'] ?? '',
  ]
}
