import { errorMessage } from '../../foundation/error-message.ts'
import { readFileSync } from 'node:fs'

import type { Given, Group, Verb } from '../command/command.ts'
import { CommandError } from '../command/command-error.ts'
import { parsedOffsets, sinkOffset } from '../configs/offset-texts.ts'
import type { Cell } from '../output/table.ts'
import type { ConnectorOffset } from '../rest-client/entities.ts'

const get: Verb = {
  usage: 'get CONNECTOR',
  summary: 'Show the committed offsets of a connector',
  examples: [
    ['offsets get orders', 'where the connector is'],
    ['offsets get orders --json > offsets.json', 'save them, for offsets set --file'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const offsets = await (await session.api()).offsets(given.word(0))
    out.result({ offsets }, () => {
      if (offsets.length === 0) return ['It has committed no offsets.']
      const isSink = offsets.every(({ partition }) => 'kafka_topic' in partition)
      return isSink
        ? out.table(
            [{ title: 'TOPIC', narrow: 'cut' }, { title: 'PARTITION' }, { title: 'OFFSET' }],
            offsets.map(sinkRow),
          )
        : out.table(
            [
              { title: 'PARTITION', narrow: 'wrap' },
              { title: 'OFFSET', narrow: 'wrap' },
            ],
            offsets.map(sourceRow),
          )
    })
  },
}

const sinkRow = ({ partition, offset }: ConnectorOffset): readonly Cell[] => [
  String(partition['kafka_topic']),
  String(partition['kafka_partition']),
  String(offset?.['kafka_offset'] ?? ''),
]

const sourceRow = ({ partition, offset }: ConnectorOffset): readonly Cell[] => [
  JSON.stringify(partition),
  JSON.stringify(offset),
]

const set: Verb = {
  usage: 'set CONNECTOR [OFFSET...]',
  summary: 'Set offsets of a stopped connector',
  detail:
    'OFFSET of a sink is TOPIC:PARTITION=OFFSET. Offsets of a source are what the source has written: take them from ' +
    'offsets get --json, and give them as --partition and --offset, or in a file. Other partitions stay as they are.',
  options: [
    { flags: '--partition JSON', summary: 'the source partition' },
    { flags: '--offset JSON', summary: 'its offset; null forgets the partition' },
    { flags: '--file FILE', summary: 'a file as offsets get --json prints it; - is standard input' },
  ],
  examples: [
    ['offsets set search orders:0=1200', 'let the sink continue from offset 1200 of partition 0'],
    ['offsets set orders --file offsets.json', 'offsets of a file'],
    [`offsets set lines --partition '{"filename":"in.txt"}' --offset '{"position":0}'`, 'an offset of a source'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const offsets = await requested(given, session.surroundings.stdin)
    const message = await (await session.api()).alterOffsets(given.word(0), offsets).catch(withAdvice(given.word(0)))
    out.result({ message }, () => [`${out.paint('green', '✔')} ${message}`])
  },
}

const reset: Verb = {
  usage: 'reset CONNECTOR',
  summary: 'Forget all offsets of a stopped connector: it begins again',
  options: [{ flags: '-y, --yes', summary: 'do not ask' }],
  examples: [['offsets reset orders', 'asks before it forgets them']],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const api = await session.api()
    const name = given.word(0)
    await api.connector(name)
    await session.confirm(
      `Forget all offsets of ${name}? It reads everything again when it is resumed.`,
      given.flag('yes'),
    )
    const message = await api.resetOffsets(name).catch(withAdvice(name))
    out.result({ message }, () => [`${out.paint('green', '✔')} ${message}`])
  },
}

export const offsets: Group = {
  name: 'offsets',
  summary: 'show, set and reset the offsets of connectors',
  verbs: [get, set, reset],
}

async function requested(given: Given, stdin: () => Promise<string>): Promise<readonly ConnectorOffset[]> {
  const [partition, offset, file] = [given.text('partition'), given.text('offset'), given.text('file')]
  const ofSink = given.words.slice(1).map(sinkOffset)
  const ofFile = file === null ? [] : parsedOffsets(file === '-' ? await stdin() : read(file), file)
  if ((partition === null) !== (offset === null)) throw new CommandError('--partition and --offset belong together.')
  const ofSource =
    partition === null || offset === null
      ? []
      : parsedOffsets(`[{"partition":${partition},"offset":${offset}}]`, '--partition')
  const all = [...ofSink, ...ofFile, ...ofSource]
  if (all.length > 0) return all
  throw new CommandError('Give TOPIC:PARTITION=OFFSET for a sink; --partition and --offset, or --file for a source.')
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandError(`${file} cannot be read: ${errorMessage(error)}`)
  }
}

/** The server says which request stops a connector; this says which command does. */
function withAdvice(name: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof CommandError) || !/in the STOPPED state/.test(error.message)) throw error
    const message = `${name} is not stopped, and only offsets of a stopped connector can change. Run: penstock connectors stop ${name}`
    throw new CommandError(message, error.exitCode, { cause: error })
  }
}
