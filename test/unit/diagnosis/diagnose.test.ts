import { describe, expect, it } from 'vitest'

import type { DiagnosisFinding } from '../../../src/api/diagnosis/finding.ts'
import { diagnose, diagnoseWorker } from '../../../src/diagnosis/diagnose.ts'
import { verdictOf } from '../../../src/diagnosis/finding.ts'
import type { ConnectorObservations } from '../../../src/diagnosis/observations.ts'
import { idleFlow, observedSink, observedTask } from '../../support/rest/diagnosis-observations.ts'

const codes = (observed: ConnectorObservations): readonly string[] => diagnose(observed).map(({ code }) => code)
const failed = (trace: string): ConnectorObservations =>
  observedSink({ tasks: [observedTask({ state: 'FAILED', trace, flow: null })] })
const found = (code: string, changes: Partial<DiagnosisFinding> = {}): DiagnosisFinding => ({
  code,
  severity: 'error',
  stage: 'sink',
  cause: `${code} of the probe`,
  evidence: { by: 'probe' },
  fix: 'do it',
  commands: ['do'],
  ...changes,
})

describe('a connector without faults', () => {
  it.each([
    ['an idle sink', {}],
    [
      'an idle source',
      {
        type: 'source',
        backlog: null,
        tasks: [observedTask({ flow: { ...idleFlow, lagRecords: null, behindSeconds: 0 } })],
      },
    ],
    [
      'a sink whose task holds no partition, as there are fewer partitions than tasks',
      {
        tasks: [
          observedTask(),
          observedTask({ id: 1, flow: { ...idleFlow, partitions: 0, withoutPartitionsSeconds: 900 } }),
        ],
        configuredTasks: 2,
      },
    ],
    [
      'a sink that keeps up',
      { tasks: [observedTask({ flow: { ...idleFlow, recordsPerSecond: 1000, lagRecords: 900, lagPerSecond: 12 } })] },
    ],
    [
      'a sink whose records wait for their file to be full',
      {
        tasks: [observedTask({ flow: { ...idleFlow, uncommittedRecords: 500 } })],
        backlog: { group: 'g', records: 500, missingTopics: [] },
      },
    ],
    ['a task whose last attempt was long ago', { tasks: [observedTask({ restarts: 2 })] }],
  ] as const)('%s has no finding', (_what, changes) => {
    expect(diagnose(observedSink(changes as Partial<ConnectorObservations>))).toEqual([])
  })

  it.each(['PAUSED', 'STOPPED'] as const)(
    'that is %s on purpose is healthy, and the finding says what waits',
    (target) => {
      const findings = diagnose(
        observedSink({ target, tasks: [], backlog: { group: 'g', records: 12, missingTopics: [] } }),
      )
      expect(findings).toMatchObject([
        {
          code: `CONNECTOR_${target}`,
          severity: 'info',
          evidence: { waiting_records: 12 },
          commands: ["curl -X PUT 'http://w:1/connectors/search/resume'"],
        },
      ])
      expect(verdictOf(findings)).toBe('healthy')
    },
  )
})

describe('statuses', () => {
  it('say by their conditions what is wrong, with what the catalogue knows of the code', () => {
    const trace = "ES_INDEX_BLOCKED: index 'orders' rejects writes\nES_SUPERSEDED: no document changes"
    const [first, second] = diagnose(observedSink({ tasks: [observedTask({ trace })] }))
    expect(first).toMatchObject({ code: 'ES_INDEX_BLOCKED', severity: 'error', stage: 'sink', task: 0 })
    expect(first?.cause).toBe("task search-0: index 'orders' rejects writes")
    expect(second).toMatchObject({ code: 'ES_SUPERSEDED', severity: 'warning' })
  })

  it('of a call that is retried name the call, and its error is binding', () => {
    const trace =
      'start failed and is retried: RetriableError: PG_SLOT_ACTIVE: replication slot "shop" is active for PID 7\n    at a (b:1)\nCaused by: error: slot in use'
    const [finding] = diagnose(
      observedSink({
        type: 'source',
        backlog: null,
        tasks: [observedTask({ state: 'RESTARTING', trace, flow: null })],
      }),
    )
    expect(finding).toMatchObject({
      code: 'PG_SLOT_ACTIVE',
      severity: 'error',
      stage: 'source',
      evidence: { retried_call: 'start' },
    })
    expect(finding?.cause).toContain('(start is retried): replication slot "shop" is active for PID 7')
    expect(finding?.cause).not.toContain('at a')
  })

  it.each([
    [
      'DataError: the value of the record orders-0@7 does not decode: Converting byte[] to Kafka Connect data failed due to serialization error: no JSON',
      'RECORD_UNREADABLE',
    ],
    [
      'DataError: the value of the record orders-0@7 does not decode: JsonConverter with schemas.enable requires "schema" and "payload" fields',
      'CONVERTER_MISMATCH',
    ],
    ['ConnectError: transform "mask" failed on the record orders-0@7: no such field', 'TRANSFORM_FAILED'],
    [
      'DataError: the value of a record for topic t does not convert: x\n    at y (z)\nCaused by: DataError: SCHEMA_INCOMPATIBLE: the schema of subject "t-value" is not registered',
      'SCHEMA_INCOMPATIBLE',
    ],
    [
      'conversion failed and is retried: UnavailableError: the schema registry at http://r cannot be reached (ECONNREFUSED)',
      'REGISTRY_UNAVAILABLE',
    ],
    ['TypeError: x is not a function\n    at poll (task.ts:1)', 'TASK_FAILED'],
  ])('have their cause found by code or message: %s', (trace, code) => {
    expect(codes(failed(trace))).toEqual([code])
  })

  it('name the place of the record that fails', () => {
    const [finding] = diagnose(failed('DataError: the value of the record a.b-c-2@41 does not decode: no'))
    expect(finding?.evidence).toMatchObject({ topic: 'a.b-c', partition: 2, offset: 41 })
    expect(finding?.commands).toEqual(["curl -X POST 'http://w:1/connectors/search/tasks/0/restart'"])
  })

  it('hand on the SQL that an error says to run', () => {
    const [finding] = diagnose(
      failed(
        'ConnectError: PG_WAL_LEVEL: wal_level is "replica". Run: ALTER SYSTEM SET wal_level = logical; then restart Postgres',
      ),
    )
    expect(finding?.commands[0]).toBe('ALTER SYSTEM SET wal_level = logical;')
  })

  it('of several tasks with one cause are one finding, which names the tasks', () => {
    const trace = 'ES_UNAVAILABLE: connect ECONNREFUSED'
    const tasks = [0, 1, 2].map((id) => observedTask({ id, trace }))
    const findings = diagnose(
      observedSink({ tasks, configuredTasks: 3, since: (task) => (task === null ? null : 100 - task) }),
    )
    expect(findings).toMatchObject([{ code: 'ES_UNAVAILABLE', task: null, since: 98, evidence: { tasks: '0, 1, 2' } }])
  })

  it('of a task that fails after each restart make a loop, behind the reason', () => {
    const trace = 'ConnectError: X: no\nRESTART_SCHEDULED: restart 4 in a row follows'
    expect(codes(observedSink({ tasks: [observedTask({ state: 'FAILED', trace, flow: null, restarts: 4 })] }))).toEqual(
      ['TASK_FAILED', 'TASK_CRASH_LOOP'],
    )
  })

  it('that are missing are findings', () => {
    expect(codes(observedSink({ status: null, tasks: [] }))).toEqual(['CONNECTOR_UNASSIGNED'])
    expect(codes(observedSink({ tasks: [], configuredTasks: 0 }))).toEqual(['TASKS_MISSING'])
    expect(codes(observedSink({ tasks: [observedTask({ state: 'UNASSIGNED', flow: null })] }))).toEqual([
      'CONNECTOR_UNASSIGNED',
    ])
  })
})

describe('progress', () => {
  const flow = (changes: Partial<typeof idleFlow>, rest: Partial<ConnectorObservations> = {}): ConnectorObservations =>
    observedSink({ tasks: [observedTask({ flow: { ...idleFlow, ...changes } })], ...rest })

  it('that does not happen although records wait is a finding of a task that is RUNNING', () => {
    const [finding] = diagnose(flow({ stalledSeconds: 20, lagRecords: 5 }))
    expect(finding).toMatchObject({ code: 'SINK_STALLED', severity: 'error', since: Date.UTC(2026, 0, 1) - 20_000 })
    expect(
      codes(flow({ stalledSeconds: 20, lagRecords: null, behindSeconds: 30 }, { type: 'source', backlog: null })),
    ).toEqual(['SOURCE_STALLED'])
    expect(codes(flow({ stalledSeconds: 4, lagRecords: 5 }))).toEqual([])
  })

  it('that does not happen for a reason that is known is no finding of its own', () => {
    const task = observedTask({
      trace: 'ES_OVERLOADED: HTTP 429',
      flow: { ...idleFlow, stalledSeconds: 20, lagRecords: 5 },
    })
    expect(codes(observedSink({ tasks: [task] }))).toEqual(['ES_OVERLOADED'])
  })

  it('slower than what arrives is a lag, with the share of the time that the target takes', () => {
    const [finding] = diagnose(flow({ recordsPerSecond: 100, lagRecords: 4000, lagPerSecond: 50, putShare: 0.97 }))
    expect(finding).toMatchObject({ code: 'SINK_LAGS', severity: 'warning' })
    expect(finding?.cause).toContain('takes 100 records/s while 150 arrive')
    expect(finding?.cause).toContain('97 % of the time')
  })

  it('faster than what arrives is an information, when it takes long', () => {
    expect(diagnose(flow({ recordsPerSecond: 100, lagRecords: 4000, lagPerSecond: -50 }))).toMatchObject([
      { code: 'SINK_CATCHES_UP', severity: 'info', evidence: { seconds_left: 80 } },
    ])
  })

  it('without a partition is a finding when records wait, and with a pattern also when none do', () => {
    const without = { partitions: 0, withoutPartitionsSeconds: 12 }
    expect(codes(flow(without, { backlog: { group: 'g', records: 3, missingTopics: [] } }))).toEqual([
      'SINK_WITHOUT_PARTITIONS',
    ])
    expect(codes(flow(without, { config: { 'topics.regex': 'ordres-.*' } }))).toEqual(['TOPIC_MISSING'])
    expect(codes(flow(without))).toEqual([])
    expect(codes(flow(without, { backlog: { group: 'g', records: 0, missingTopics: ['orders'] } }))).toEqual([
      'TOPIC_MISSING',
    ])
  })

  it('between rebalances in a row is one', () => {
    expect(codes(flow({ rebalances: 7 }))).toEqual(['SINK_REBALANCES'])
  })
})

describe('what the connector finds at its server', () => {
  it('comes before the status, and replaces what it says with the same code', () => {
    const observed = observedSink({
      tasks: [observedTask({ trace: 'ES_UNAVAILABLE: HTTP 503' })],
      since: () => 5,
      probe: { kind: 'found', findings: [found('ES_CLUSTER_RED'), found('ES_UNAVAILABLE')] },
    })
    expect(diagnose(observed)).toMatchObject([
      { code: 'ES_CLUSTER_RED', task: null },
      {
        code: 'ES_UNAVAILABLE',
        task: 0,
        since: 5,
        cause: 'ES_UNAVAILABLE of the probe',
        evidence: { by: 'probe', state: 'RUNNING' },
      },
    ])
  })

  it('binds nothing while the connector is paused', () => {
    const findings = diagnose(
      observedSink({ target: 'PAUSED', probe: { kind: 'found', findings: [found('S3_NO_BUCKET')] } }),
    )
    expect(findings).toMatchObject([{ code: 'S3_NO_BUCKET', severity: 'warning' }, { code: 'CONNECTOR_PAUSED' }])
  })

  it('is missing without harm', () => {
    const observed = observedSink({ probe: { kind: 'failed', message: 'no route to host' } })
    expect(diagnose(observed)).toMatchObject([{ code: 'PROBE_FAILED', severity: 'info' }])
    expect(
      codes(
        observedSink({ probe: { kind: 'waits', seconds: 0.7 }, tasks: [observedTask({ trace: 'ES_UNAVAILABLE: x' })] }),
      ),
    ).toEqual(['ES_UNAVAILABLE'])
  })
})

describe('workers', () => {
  it('whose log is full come before what follows from it', () => {
    const observed = observedSink({
      tasks: [observedTask({ trace: 'ES_UNAVAILABLE: x' })],
      conditions: [
        { code: 'BROKER_DISK_FULL', text: 'the disk of /data is full' },
        { code: 'REST_USERS_FILE', text: 'users' },
      ],
    })
    expect(diagnose(observed)).toMatchObject([{ code: 'BROKER_DISK_FULL', stage: 'log' }, { code: 'ES_UNAVAILABLE' }])
  })

  it('that do not respond are named with their tasks; one that is slow is a warning', () => {
    const tasks = [observedTask({ workerId: 'v:1', flow: null, restarts: null })]
    const silent = { worker: 'v:1', reason: 'connect ECONNREFUSED', isGone: true }
    expect(diagnose(observedSink({ tasks, silentWorkers: [silent] }))).toMatchObject([
      {
        code: 'WORKER_GONE',
        severity: 'error',
        stage: 'worker',
        task: 0,
        cause:
          'worker v:1, which ran task 0 of connector search by the last status, does not respond: connect ECONNREFUSED',
      },
    ])
    expect(diagnose(observedSink({ tasks, silentWorkers: [{ ...silent, isGone: false }] }))[0]?.severity).toBe(
      'warning',
    )
  })

  it('have findings of their own: conditions, and a group that does not come to rest', () => {
    const worker = {
      conditions: [{ code: 'REST_USERS_FILE', text: 'it is gone' }],
      rebalances: 9,
      restUrl: 'http://w:1/',
    }
    expect(diagnoseWorker(worker)).toMatchObject([
      { code: 'REST_USERS_FILE' },
      { code: 'GROUP_REBALANCES', evidence: { rebalances: 9 } },
    ])
    expect(diagnoseWorker({ ...worker, conditions: [], rebalances: 2 })).toEqual([])
  })
})
