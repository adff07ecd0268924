import type { Verb } from '../../command/command.ts'
import { CommandError } from '../../command/command-error.ts'
import type { Session } from '../../command/session.ts'
import type { Output } from '../../output/output.ts'
import { stateCell, tasksText } from '../../output/states.ts'
import type { Cell } from '../../output/table.ts'
import { bytesText, grouped } from '../../output/text.ts'
import { PenstockApi } from '../../rest-client/penstock-api.ts'
import type { Activity } from '../../rest-client/penstock-entities.ts'
import { UnsupportedCommandError } from '../../rest-client/request-error.ts'
import { flowOf, lagText, ratesBetween } from '../../status/flow.ts'

/** A screen of its own, which is gone afterwards. */
const screen = {
  open: '\u001b[?1049h\u001b[?25l',
  close: '\u001b[?25h\u001b[?1049l',
  redraw: '\u001b[H',
  rest: '\u001b[0J',
  line: '\u001b[K',
}

export const top: Verb = {
  usage: 'top',
  summary: 'Follow live what every connector moves',
  detail: 'Ctrl-C ends it. With --json, it prints a line per look.',
  options: [
    { flags: '--interval SECONDS', summary: 'the time between two looks (default 2)' },
    { flags: '--count N', summary: 'end after so many looks' },
  ],
  examples: [
    ['top', 'rates and lag, every two seconds'],
    ['top --json --count 1', 'one look, for a program'],
  ],
  isRemote: true,
  async run(session, given) {
    const { out } = session
    const [interval, count] = [given.count('interval', 2), given.count('count', Number.POSITIVE_INFINITY)]
    if (!out.json && !out.terminal.isTerminal) throw new CommandError('top draws on a terminal. Elsewhere, use --json.')
    const signal = session.surroundings.interrupt()
    const api = new PenstockApi(await session.rest())
    if (!out.json) out.terminal.write(screen.open)
    try {
      await looks(session, api, { interval, count, signal })
    } finally {
      if (!out.json) out.terminal.write(screen.close)
    }
  },
}

interface Looks {
  readonly interval: number
  readonly count: number
  readonly signal: AbortSignal
}

async function looks(session: Session, api: PenstockApi, { interval, count, signal }: Looks): Promise<void> {
  const { out, clock } = session
  let before: Activity | null = null
  for (let look = 1; look <= count && !signal.aborted; look += 1) {
    const activity = await api.activityIfAny()
    if (activity === null) throw new UnsupportedCommandError(api.rest.url, 'GET /activity')
    const rates: ReadonlyMap<string, number | null> = before === null ? new Map() : ratesBetween(before, activity)
    if (out.json) out.event({ ...activity, rates: Object.fromEntries(rates) }, () => [])
    else draw(out, screenLines(out, activity, rates))
    before = activity
    if (look === count) return
    await clock.sleep(interval * 1000, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}

function draw({ terminal }: Output, lines: readonly string[]): void {
  const fitting = lines.slice(0, terminal.rows - 1)
  terminal.write(screen.redraw + fitting.map((line) => `${line}${screen.line}\n`).join('') + screen.rest)
}

const columns = [
  { title: 'CONNECTOR', narrow: 'cut' },
  { title: 'TYPE' },
  { title: 'STATE' },
  { title: 'TASKS' },
  { title: 'RECORDS/S', align: 'right' },
  { title: 'RECORDS', align: 'right' },
  { title: 'ERRORS', align: 'right' },
  { title: 'BEHIND', narrow: 'cut' },
] as const

/** The busiest connector first. */
function screenLines(out: Output, activity: Activity, rates: ReadonlyMap<string, number | null>): readonly string[] {
  const { worker, connectors, time } = activity
  const names = Object.keys(connectors).toSorted(
    (a, b) => (rates.get(b) ?? 0) - (rates.get(a) ?? 0) || (a < b ? -1 : 1),
  )
  const rows = names.map((name): readonly Cell[] => {
    const { type, state, tasks } = connectors[name] ?? { type: '', state: '', tasks: [] }
    const flow = flowOf(connectors[name])
    const rate = rates.get(name) ?? null
    return [
      name,
      type,
      stateCell(state),
      tasksText(tasks.map((task) => task.state)),
      rate === null ? '' : grouped(Math.round(rate * 10) / 10),
      flow.written === null ? '' : grouped(flow.written),
      flow.errors === null || flow.errors === 0 ? '' : grouped(flow.errors),
      lagText(flow),
    ]
  })
  const memory = worker.memory_bytes === null ? '' : `  ${bytesText(worker.memory_bytes)}`
  return [
    `${out.paint('bold', `Penstock ${worker.version ?? ''}`)}  ${worker.id}${memory}  ${new Date(time).toISOString().slice(11, 19)}`,
    ...worker.conditions.map((each) => out.paint('yellow', `! ${each}`)),
    '',
    ...out.table(columns, rows),
  ]
}
