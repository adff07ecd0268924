import type { Verb } from '../../command/command.ts'
import { shownBy, shownConfig } from '../../configs/secrets.ts'
import type { Output } from '../../output/output.ts'
import { causeOf, stateCell } from '../../output/states.ts'
import type { Cell } from '../../output/table.ts'
import type { ConnectorInfo, ConnectorStatus } from '../../rest-client/entities.ts'

export const getConnector: Verb = {
  usage: 'get CONNECTOR',
  summary: 'Show a connector: its state, tasks and config',
  detail: 'Secrets in the config are masked. With --json, the config is as the server returns it.',
  options: [{ flags: '--config', summary: 'only the config; with --json, as connectors create and apply read it' }],
  examples: [
    ['connectors get orders', 'state, tasks and config'],
    ['connectors get orders --config --json > orders.json', 'save the config in a file'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const [api, name] = [await session.api(), given.word(0)]
    const info = await api.connector(name)
    if (out.json && given.flag('config')) return out.result({ name, config: info.config }, () => [])
    const status = given.flag('config') ? null : await api.status(name)
    const shown = out.json ? info.config : shownConfig(info.config, await shownBy(api, info.config))
    out.result({ ...info, status }, () => [
      ...(given.flag('config') ? [] : stateLines(out, info, status)),
      ...out.pairs(Object.entries(shown).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    ])
  },
}

function stateLines(out: Output, info: ConnectorInfo, status: ConnectorStatus | null): readonly string[] {
  const head = `${out.paint('bold', info.name)}  ${info.type}`
  if (status === null) return [`${head}  not started yet`, '']
  const rows = [
    { what: 'connector', ...status.connector },
    ...status.tasks.map((task) => ({ what: `task ${task.id}`, ...task })),
  ]
  const cells = rows.map(({ what, state, worker_id: worker, trace }): readonly Cell[] => [
    what,
    stateCell(state),
    worker,
    causeOf(trace),
  ])
  const columns = [
    { title: 'PART' },
    { title: 'STATE' },
    { title: 'WORKER' },
    { title: 'CAUSE', narrow: 'wrap' },
  ] as const
  return [head, '', ...out.table(columns, cells), '']
}
