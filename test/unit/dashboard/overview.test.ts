import { describe, expect, it } from 'vitest'

import type { ConnectorEntry } from '../../../dashboard/model/activity.ts'
import { connectorView, pointOf, shownState } from '../../../dashboard/model/connector-view.ts'
import type { Point } from '../../../dashboard/model/history.ts'
import { pipelinesOf } from '../../../dashboard/model/pipelines.ts'
import { causeOf, problemsOf, type Finding } from '../../../dashboard/model/problems.ts'
import { activityOf, connectorEntry, taskEntry } from '../../support/dashboard/entries.ts'

const view = (name: string, entry: ConnectorEntry, points: readonly Point[] = []): ReturnType<typeof connectorView> =>
  connectorView(name, entry, points)
const source = (over: Partial<ConnectorEntry> = {}): ConnectorEntry => connectorEntry({ type: 'source', ...over })
const behind = (seconds: number): readonly Point[] => [
  { time: 0, read: 0, written: 0, lag: 5 },
  { time: seconds * 1000, read: 5, written: 5, lag: 10 },
]

describe('the state of a connector', () => {
  it.each([
    ['FAILED', connectorEntry({ tasks: [taskEntry(), taskEntry({ id: 1, state: 'FAILED' })] })],
    ['DEGRADED', connectorEntry({ tasks: [taskEntry({ trace: 'ES_UNAVAILABLE: it does not respond' })] })],
    ['PAUSED', connectorEntry({ state: 'PAUSED', tasks: [taskEntry({ state: 'PAUSED' })] })],
    ['UNASSIGNED', connectorEntry({ tasks: [taskEntry({ state: 'UNASSIGNED' })] })],
    ['RUNNING', connectorEntry({ tasks: [] })],
  ])('is %s, whatever the rest of it does', (state, entry) => {
    expect(shownState(entry)).toBe(state)
  })

  it('has the sums of the tasks that run on this worker', () => {
    const lag = [{ topic: 't', partition: 0, records: 4 }]
    const tasks = [
      taskEntry({}, { records_read: 7, lag }),
      taskEntry({ id: 1 }, { records_read: 5, lag }),
      taskEntry({ id: 2, activity: null }),
    ]
    expect(pointOf(9, connectorEntry({ tasks }))).toEqual({ time: 9, read: 12, written: 0, lag: 8 })
    expect(pointOf(9, connectorEntry({ tasks: [taskEntry({ activity: null })] }))).toBeNull()
  })
})

describe('a pipeline', () => {
  it('has the connectors that share topics, but not those that share dead letters only', () => {
    const letters = { dead_letter_topic: 'letters' }
    const pipelines = pipelinesOf([
      view('shop', source({ topics: ['orders', 'customers'] })),
      view('search', connectorEntry({ topics: ['orders', 'letters'], ...letters })),
      view('archive', connectorEntry({ topics: ['customers'] })),
      view('other', connectorEntry({ topics: ['pages', 'letters'], ...letters })),
    ])
    expect(
      pipelines.map(({ sources, sinks, topics }) =>
        [sources, sinks]
          .flat()
          .map(({ name }) => name)
          .concat(topics),
      ),
    ).toEqual([
      ['shop', 'archive', 'search', 'customers', 'orders'],
      ['other', 'pages'],
    ])
  })

  it('stands first when a part of it has failed', () => {
    const failed = connectorEntry({ state: 'FAILED', topics: ['z'] })
    const pipelines = pipelinesOf([view('a', connectorEntry({ topics: ['a'] })), view('z', failed)])
    expect(pipelines.map(({ key }) => key)).toEqual(['z', 'a'])
  })

  it.each([
    ['none, when all keep up', [], [], null],
    ['the sink that is furthest behind', behind(8), behind(30), 'two'],
    ['none, when all are a moment behind', behind(2), behind(3), null],
  ])('is limited by %s', (_, one, two, binding) => {
    const topics = ['t']
    const [pipeline] = pipelinesOf([
      view('shop', source({ topics })),
      view('one', connectorEntry({ topics }), one),
      view('two', connectorEntry({ topics }), two),
    ])
    expect(pipeline?.binding).toBe(binding)
  })

  it('is limited by what does not run rather than by what is behind', () => {
    const topics = ['t']
    const [pipeline] = pipelinesOf([
      view('shop', source({ topics, state: 'PAUSED' })),
      view('one', connectorEntry({ topics }), behind(60)),
    ])
    expect(pipeline?.binding).toBe('shop')
  })
})

const finding: Finding = {
  connector: 'search',
  code: 'ES_UNAVAILABLE',
  severity: 'error',
  stage: 'sink',
  task: 0,
  since: '1970-01-01T00:00:18.000Z',
  cause: 'Elasticsearch does not respond',
  fix: 'Start it',
  commands: ['systemctl start elasticsearch'],
}

describe('what needs attention', () => {
  it('is what failed, with the cause of its trace and a button, then what waits', () => {
    const views = [
      view('slow', connectorEntry({ tasks: [taskEntry({ trace: 'S3_UNAVAILABLE: the store responds with 503' })] })),
      view('shop', source({ tasks: [taskEntry({ state: 'FAILED', trace: 'a.b.PlainError: no slot\n\tat x' })] })),
      view('idle', connectorEntry({ state: 'PAUSED' })),
    ]
    expect(problemsOf(activityOf({}), views, [])).toMatchObject([
      { connector: 'shop', task: 0, severity: 'error', code: null, cause: 'no slot', remedy: 'restart' },
      { connector: 'slow', severity: 'warning', code: 'S3_UNAVAILABLE', cause: 'the store responds with 503' },
    ])
  })

  it('is what the diagnosis has found, in place of traces', () => {
    const views = [view('search', connectorEntry({ tasks: [taskEntry({ state: 'FAILED', trace: 'it broke' })] }))]
    expect(problemsOf(activityOf({}), views, [finding])).toMatchObject([
      { cause: finding.cause, fix: finding.fix, commands: finding.commands, since: 18_000, remedy: 'restart' },
    ])
  })

  it('is acknowledged by a restart, when records were skipped', () => {
    const tasks = [taskEntry({ trace: 'ERRANT_RECORDS: 5 records were skipped' })]
    expect(problemsOf(activityOf({}), [view('search', connectorEntry({ tasks }))], [])).toMatchObject([
      { code: 'ERRANT_RECORDS', severity: 'warning', remedy: 'restartAll' },
    ])
  })

  it('does not name the task twice', () => {
    const cause = 'task search-0: it does not respond'
    expect(problemsOf(activityOf({}), [], [{ ...finding, cause }])).toMatchObject([{ cause: 'it does not respond' }])
  })

  it('includes conditions of the worker', () => {
    const activity = activityOf({}, ['BROKER_DISK_FULL: the disk is full. Free space on it'])
    expect(problemsOf(activity, [], [])).toMatchObject([
      { connector: null, code: 'BROKER_DISK_FULL', cause: 'the disk is full. Free space on it' },
    ])
  })
})

describe('the cause in a trace', () => {
  it.each([
    ['PG_WAL_LEVEL: wal_level is "replica"\nat x', 'PG_WAL_LEVEL', 'wal_level is "replica"'],
    ['org.apache.kafka.connect.errors.ConnectException: ES_X: no\n\tat x', 'ES_X', 'no'],
    [
      'ConnectException: Tolerance exceeded in error handler\n\tat x\nCaused by: DataException: not a number\n\tat y',
      null,
      'not a number',
    ],
    ['A sentence: with a colon', null, 'A sentence: with a colon'],
    ['', null, ''],
  ])('%j is a code and a text', (trace, code, text) => {
    expect(causeOf(trace)).toEqual({ code, text })
  })
})
