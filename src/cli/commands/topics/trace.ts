import { exitCodes } from '../../../foundation/process/exit-codes.ts'
import type { Verb } from '../../command/command.ts'
import { CommandError } from '../../command/command-error.ts'
import { grouped } from '../../output/text.ts'
import type { Cell } from '../../output/table.ts'
import { ConnectApi } from '../../rest-client/connect-api.ts'
import { PenstockApi } from '../../rest-client/penstock-api.ts'
import { commitOf, deliveryOf, filterOf, hasKey, type Stage } from '../../status/journey.ts'

export const trace: Verb = {
  usage: 'trace TOPIC KEY',
  summary: 'Show how far the newest record of a key has come: commit, log, sinks',
  detail:
    'KEY is the JSON of the key, or one of its values: 7 finds {"id":7}. Looks at the last records of the topic. For each sink ' +
    'of the topic, it says whether the offsets that the sink has committed are behind the record. Exits with 1 if one is not.',
  options: [{ flags: '--limit N', summary: 'how many records with this text to look at (default 1000)' }],
  examples: [
    ['trace shop.public.orders 7', 'where the last change of order 7 is'],
    [`trace shop.public.orders '{"id":7}'`, 'the same with the whole key'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const rest = await session.rest()
    const [penstock, connect] = [new PenstockApi(rest), new ConnectApi(rest)]
    const [topic, key] = [given.word(0), given.word(1)]
    const query = { from: 'latest', partition: null, filter: filterOf(key), connector: null }
    const [{ records }, { connectors }] = await Promise.all([
      penstock.records(topic, { ...query, limit: Math.min(1000, given.count('limit', 1000)) }),
      penstock.topic(topic),
    ])
    const newest = records.findLast((record) => hasKey(record, key))
    if (newest === undefined)
      throw new CommandError(`The last records of ${topic} have none with the key ${key}.`, exitCodes.notFound)
    const sinks = await Promise.all(
      connectors.map(async (name) => {
        const info = await connect.connector(name)
        return info.type === 'sink' ? deliveryOf(name, await connect.offsets(name), { topic, record: newest }) : null
      }),
    )
    const log = {
      stage: 'log',
      place: `${topic}, partition ${newest.partition}, offset ${grouped(newest.offset)}`,
      time: newest.timestamp,
      isDone: true,
    }
    const stages: readonly Stage[] = [commitOf(newest), log, ...sinks].filter((each) => each !== null)
    out.result({ topic, record: newest, stages }, () => {
      const rows = stages.map(({ stage, place, time, isDone }): readonly Cell[] => [
        isDone ? { text: '✔', style: 'green' } : { text: '…', style: 'yellow' },
        stage,
        time ?? '',
        place,
      ])
      return out.table([{ title: '' }, { title: 'STAGE' }, { title: 'TIME' }, { title: 'PLACE', narrow: 'wrap' }], rows)
    })
    return stages.every(({ isDone }) => isDone) ? exitCodes.done : exitCodes.found
  },
}
