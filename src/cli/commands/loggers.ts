import type { Group, Verb } from '../command/command.ts'
import { counted } from '../output/text.ts'

const levels = ['ALL', 'TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL', 'OFF']

const list: Verb = {
  usage: 'list',
  summary: 'List the loggers whose level was set',
  examples: [['loggers list', 'the levels of the worker']],
  isRemote: true,
  async run(session) {
    const { out } = session
    const found = await (await session.api()).loggers()
    out.result(found, () => {
      const rows = Object.entries(found).map(([name, { level, last_modified: at }]) => [
        name,
        level,
        at === null ? '' : new Date(at).toISOString(),
      ])
      return out.table([{ title: 'LOGGER', narrow: 'cut' }, { title: 'LEVEL' }, { title: 'SET AT' }], rows)
    })
  },
}

const set: Verb = {
  usage: 'set LOGGER LEVEL',
  summary: 'Set the level of a logger, and of those whose names begin with its name',
  detail: `It lasts until the worker ends. LEVEL is ${levels.join(', ')}.`,
  options: [{ flags: '--cluster', summary: 'on all workers of the group, not only on the one that responds' }],
  examples: [
    ['loggers set root DEBUG', 'log everything in detail'],
    ['loggers set connect.rest WARN --cluster', 'log less of the REST API, on all workers'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const [logger, level] = [given.word(0), given.word(1).toUpperCase()]
    const scope = given.flag('cluster') ? 'cluster' : 'worker'
    const loggers = await (await session.api()).setLogger(logger, level, scope)
    const where = scope === 'cluster' ? 'on all workers' : counted(loggers.length, 'logger')
    out.result({ logger, level, scope, loggers }, () => [`${out.paint('green', '✔')} ${logger} is ${level}, ${where}`])
  },
}

export const loggers: Group = { name: 'loggers', summary: 'show and set log levels', verbs: [list, set] }
