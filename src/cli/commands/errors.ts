import type { Group, Verb } from '../command/command.ts'
import type { Session } from '../command/session.ts'
import { counted, grouped } from '../output/text.ts'
import { Waiting } from '../output/waiting.ts'
import { ConnectApi } from '../rest-client/connect-api.ts'
import { PenstockApi } from '../rest-client/penstock-api.ts'
import type { ConnectorErrors, ErrorCause } from '../rest-client/penstock-entities.ts'
import type { Output } from '../output/output.ts'

const pollMs = 200

const list: Verb = {
  usage: 'list CONNECTOR',
  summary: 'Show the dead letters of a connector by cause, the most frequent first',
  options: [
    { flags: '--limit N', summary: 'how many records of the dead letter queue to read (default 10000)' },
    { flags: '--before POSITION', summary: 'the part before an earlier response, which ends with this value' },
  ],
  examples: [['errors list search', 'what search could not deliver, and why']],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const limit = given.count('limit', 10_000)
    const found = await new PenstockApi(await session.rest()).errors(given.word(0), limit, given.text('before'))
    out.result(found, () => errorLines(out, given.word(0), found))
  },
}

function errorLines(
  out: Output,
  connector: string,
  { topic, causes, read, note, unlisted, next }: ConnectorErrors,
): readonly string[] {
  if (causes.length === 0)
    return [`${connector} has no dead letters in ${topic} (${counted(read.records, 'record')} read).`]
  return [
    `${counted(read.own, 'dead letter')} of ${connector} in ${topic}`,
    '',
    ...causes.flatMap((cause) => [...causeLines(out, cause), '']),
    ...(unlisted > 0 ? [`${counted(unlisted, 'letter')} with further causes`, ''] : []),
    ...(note === null ? [] : [note, '']),
    ...(next === null ? [] : [`Earlier letters: penstock errors list ${connector} --before ${next}`, '']),
    `Deliver them again, of a sink: penstock errors replay ${connector} --restart`,
  ]
}

function causeLines(out: Output, cause: ErrorCause): readonly string[] {
  const { count, replayed, stage, class: className, exception, example, last_time: last } = cause
  const { topic, partition, offset } = example.record
  const place =
    topic === null
      ? ''
      : `${topic}${typeof partition === 'number' ? `, partition ${partition}, offset ${offset ?? ''}` : ''}`
  return [
    `${out.paint('red', grouped(count))} × ${out.paint('bold', exception.split('.').at(-1) ?? exception)}`,
    ...out.pairs(
      [
        ['message', example.message],
        ['failed in', [stage, className].filter((part) => part !== '').join(', ')],
        ['example', place],
        ['last', last ?? ''],
        ...(replayed > 0 ? [['replayed', grouped(replayed)] as const] : []),
        ['cause', cause.cause],
      ],
      4,
    ),
  ]
}

const replay: Verb = {
  usage: 'replay CONNECTOR',
  summary: 'Have a sink deliver the records of its dead letters again',
  detail:
    'The sink has to be stopped, and delivers them when it is resumed; --restart does both. Later records of their keys ' +
    'follow in order. Letters that were delivered again before are left out.',
  options: [
    { flags: '--cause ID', summary: 'only letters of this cause, as errors list names it' },
    { flags: '--key KEY', summary: 'only records with this key' },
    { flags: '--limit N', summary: 'at most so many letters, the oldest ones' },
    { flags: '--restart', summary: 'stop the sink before, and resume it afterwards' },
  ],
  examples: [
    ['errors replay search --restart', 'stop it, plan the replay, and resume it'],
    ['errors replay search --cause 5f0c2a --limit 1000 --restart', 'a thousand letters of one cause'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const name = given.word(0)
    const [cause, key] = [given.text('cause'), given.text('key')]
    const limit = given.text('limit') === null ? null : given.count('limit', 1)
    const rest = await session.rest()
    const connect = new ConnectApi(rest)
    if (given.flag('restart')) await stopped(session, connect, name)
    const result = await new PenstockApi(rest).replay(name, {
      ...(cause === null ? {} : { cause }),
      ...(key === null ? {} : { key }),
      ...(limit === null ? {} : { limit }),
    })
    if (given.flag('restart')) await connect.setTarget(name, 'resume')
    out.result(result, () => [
      `${out.paint('green', '✔')} ${result.message}`,
      ...(result.more ? ['The limit leaves letters: run it again when these are delivered.'] : []),
      ...(given.flag('restart') ? [`${name} is resumed.`] : [`Deliver them: penstock connectors resume ${name}`]),
    ])
  },
}

/** Stops a connector, and waits until it has no tasks any more. */
async function stopped({ clock, out }: Session, api: ConnectApi, name: string): Promise<void> {
  await api.setTarget(name, 'stop')
  const waiting = new Waiting(out.terminal, clock)
  try {
    for (;;) {
      const status = await api.status(name)
      if (status?.connector.state === 'STOPPED' && status.tasks.length === 0) return
      waiting.say(`${name} is stopping`)
      await clock.sleep(pollMs)
    }
  } finally {
    waiting.end()
  }
}

export const errors: Group = {
  name: 'errors',
  summary: 'show dead letters by cause, and deliver them again',
  verbs: [list, replay],
}
