import { exitCodes } from '../../foundation/process/exit-codes.ts'
import type { Group, Verb } from '../command/command.ts'
import { CommandError } from '../command/command-error.ts'
import { causeOf, stateCell } from '../output/states.ts'
import type { Cell } from '../output/table.ts'

const columns = [
  { title: 'CONNECTOR', narrow: 'cut' },
  { title: 'TASK', align: 'right' },
  { title: 'STATE' },
  { title: 'WORKER' },
  { title: 'CAUSE', narrow: 'cut' },
] as const

const list: Verb = {
  usage: 'list [CONNECTOR...]',
  summary: 'List the tasks of connectors, or all tasks',
  examples: [
    ['tasks list', 'all tasks'],
    ['tasks list orders', 'the tasks of one connector'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const api = await session.api()
    for (const name of given.words) await api.connector(name)
    const listed = (await api.connectors()).filter(({ name }) => given.words.length === 0 || given.words.includes(name))
    const tasks = listed.flatMap(({ name, status }) =>
      (status?.tasks ?? []).map((task) => Object.assign({ connector: name }, task)),
    )
    out.result(tasks, () => {
      if (tasks.length === 0) return ['No tasks run.']
      const rows = tasks.map(({ connector, id, state, worker_id: worker, trace }): readonly Cell[] => [
        connector,
        String(id),
        stateCell(state),
        worker,
        causeOf(trace),
      ])
      return out.table(columns, rows)
    })
  },
}

const get: Verb = {
  usage: 'get CONNECTOR TASK',
  summary: 'Show a task, with the whole trace of its failure',
  detail: 'Exits with 1 if the task has failed.',
  examples: [['tasks get orders 0', 'why task 0 of orders failed']],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const [name, id] = [given.word(0), taskNumber(given.word(1))]
    const api = await session.api()
    await api.connector(name)
    const task = (await api.status(name))?.tasks.find((each) => each.id === id)
    if (task === undefined) throw new CommandError(`The connector ${name} runs no task ${id}.`, exitCodes.notFound)
    const { state, worker_id: worker, trace } = task
    out.result(task, () => [
      ...out.pairs([
        ['state', stateCell(state)],
        ['worker', worker],
      ]),
      ...(trace === undefined ? [] : ['', ...out.pairs([['trace', trace.replaceAll('\t', '    ').trimEnd()]])]),
    ])
    return state === 'FAILED' ? exitCodes.found : exitCodes.done
  },
}

const restart: Verb = {
  usage: 'restart CONNECTOR TASK',
  summary: 'Restart one task',
  examples: [['tasks restart orders 0', 'restart task 0 of orders']],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const [connector, task] = [given.word(0), taskNumber(given.word(1))]
    await (await session.api()).restartTask(connector, task)
    out.result({ connector, task }, () => [`${out.paint('green', '✔')} restarted task ${task} of ${connector}`])
  },
}

export const tasks: Group = {
  name: 'tasks',
  summary: 'list and restart the tasks of connectors',
  verbs: [list, get, restart],
}

function taskNumber(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text)
  throw new CommandError(`TASK is the number of a task, such as 0, not "${text}"`)
}
