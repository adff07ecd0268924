import { exitCodes } from '../../../foundation/process/exit-codes.ts'
import type { Given, Verb } from '../../command/command.ts'
import { CommandError } from '../../command/command-error.ts'
import type { Session } from '../../command/session.ts'
import type { Output } from '../../output/output.ts'
import { streamEvents } from '../../rest-client/event-stream.ts'
import { PenstockApi, type RecordsQuery } from '../../rest-client/penstock-api.ts'
import type { TopicRecord } from '../../rest-client/penstock-entities.ts'
import { recordLines, type RecordForm } from '../../status/record-lines.ts'

/** How many records are shown unless the command line says otherwise. */
const defaultLimit = 10
/** How long to wait before a stream that broke is opened again. Milliseconds. */
const reopenMs = 1000

export const tailTopic: Verb = {
  usage: 'tail TOPIC',
  summary: 'Show the records of a topic, as the converters of its connector read them',
  detail:
    'Shows the last records, oldest first. A change of a row is shown as what it did; --full shows all of the record. START is ' +
    'earliest, latest, an offset, a time such as 2026-11-30T15:00:00Z, or a time ago such as 10m, 2h or 1d.',
  options: [
    { flags: '-f, --follow', summary: 'continue with records as they come, until Ctrl-C' },
    { flags: '--from START', summary: 'where to start' },
    { flags: '--limit N', summary: `how many records (default ${defaultLimit}, at most 1000)` },
    { flags: '--filter TEXT', summary: 'only records with this text; or FIELD=VALUE, such as after.status=paid' },
    { flags: '--partition N', summary: 'only this partition' },
    { flags: '--connector CONNECTOR', summary: 'read them with the converters of this connector' },
    { flags: '--full', summary: 'with all of key, value and headers' },
  ],
  examples: [
    ['topics tail shop.public.orders', 'the last ten records'],
    ['topics tail shop.public.orders --follow --filter after.status=paid', 'orders that are paid, as they come'],
    ['topics tail shop.public.orders --from 1h --limit 100 --json', 'records of the last hour, a line of JSON each'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const api = new PenstockApi(await session.rest())
    const [topic, query] = [given.word(0), queryOf(given, session.clock.now())]
    const form: RecordForm = given.flag('full') ? 'full' : 'line'
    const show = (record: TopicRecord): void => out.event(record, () => recordLines(out, record, form))
    const first = await api.records(topic, query)
    for (const record of first.records) show(record)
    if (!given.flag('follow')) return remarks(out, topic, first)
    await follow(session, api, { topic, query: { ...query, from: first.next }, show })
    return exitCodes.interrupted
  },
}

function queryOf(given: Given, now: number): RecordsQuery {
  const limit = given.count('limit', defaultLimit)
  if (limit > 1000) throw new CommandError(`--limit is at most 1000, not ${limit}`)
  return {
    from: startOf(given.text('from') ?? 'latest', now),
    partition: given.text('partition'),
    filter: given.text('filter'),
    connector: given.text('connector'),
    limit,
  }
}

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `10m` as a time; anything else as it is. */
export function startOf(text: string, now: number): string {
  const [, count, unit = ''] = /^(\d{1,6})([smhd])$/.exec(text) ?? []
  return count === undefined ? text : new Date(now - Number(count) * (unitMs[unit] ?? 0)).toISOString()
}

function remarks(out: Output, topic: string, found: Awaited<ReturnType<PenstockApi['records']>>): void {
  if (found.records.length === 0) out.remark(`${topic} has no such records.`)
  if (found.note !== null) out.remark(found.note)
}

interface Followed {
  readonly topic: string
  readonly query: RecordsQuery
  readonly show: (record: TopicRecord) => void
}

/** Shows records as they come. A stream that ends is opened again where it was. @throws CommandError when the topic cannot be read */
async function follow(session: Session, api: PenstockApi, { topic, query, show }: Followed): Promise<void> {
  const signal = session.surroundings.interrupt()
  const { limit: _limit, ...open } = query
  let last: string | null = null
  while (!signal.aborted) {
    try {
      const { body } = await api.follow(topic, open, { signal, last })
      for await (const { event, data, id } of body === null ? [] : streamEvents(body)) {
        if (event === 'failure')
          throw new CommandError(`${topic} cannot be read any more: ${data}`, exitCodes.serverFailed)
        show(JSON.parse(data) as TopicRecord)
        last = id ?? last
      }
    } catch (error) {
      if (signal.aborted) return
      // The server closed the connection, or is being restarted; a refusal is final.
      if (error instanceof CommandError && error.exitCode !== exitCodes.unreachable) throw error
      session.out.remark(`penstock: the stream broke; it is opened again where it was`)
    }
    await session.clock.sleep(reopenMs, signal).catch(() => undefined)
  }
}
