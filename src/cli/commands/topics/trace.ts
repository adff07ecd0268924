import { exitCodes } from '../../../foundation/process/exit-codes.ts'
import type { Verb } from '../../command/command.ts'
import { CommandError } from '../../command/command-error.ts'
import type { Cell } from '../../output/table.ts'
import { PenstockApi } from '../../rest-client/penstock-api.ts'
import { stagesOf } from '../../status/journey.ts'

export const trace: Verb = {
  usage: 'trace TOPIC KEY',
  summary: 'Show how far the newest record of a key has come: commit, log, sinks',
  detail:
    'KEY is the JSON of the key, or its text; for a key with one field, the value of it: 7 finds {"id":7}. For each sink of the ' +
    'topic, it says where the record is there, or how far the sink is behind. Exits with 1 if one is behind.',
  options: [{ flags: '--connector NAME', summary: 'the connector whose converters read the topic' }],
  examples: [
    ['trace shop.public.orders 7', 'where the last change of order 7 is'],
    [`trace shop.public.orders '{"id":7}'`, 'the same with the whole key'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const [topic, key] = [given.word(0), given.word(1)]
    const api = new PenstockApi(await session.rest())
    const journey = await api.journey(topic, key, given.text('connector'))
    const { log, note } = journey
    if (log === null) {
      const searched = note === null ? '' : ` ${note}`
      throw new CommandError(`Topic ${topic} has no record with the key ${key}.${searched}`, exitCodes.notFound)
    }
    const stages = stagesOf({ ...journey, log })
    out.result(journey, () => {
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
