import { ConnectError, RetriableError, type SourceOffset } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import {
  decideLineage,
  enforceDecision,
  epochFor,
  type LineageInput,
  type LineageDecision,
} from '../../../../connectors/postgres-source/offsets/lineage-decision.ts'
import {
  currentTimeline,
  identifySystem,
  timelinesOf,
  type WalLineage,
  type ServerLineage,
} from '../../../../connectors/postgres-source/offsets/wal-lineage.ts'
import { pgError } from '../../../../connectors/postgres-source/connection/pg-error.ts'
import { lastCapturedLsn } from '../../../../connectors/postgres-source/offsets/resume-point.ts'
import { commitOffset } from '../../../../connectors/postgres-source/offsets/source-offset.ts'
import { firstVersion } from '../../../../connectors/postgres-source/offsets/row-version.ts'
import { checkLineage, lineageFrom } from '../../../../connectors/postgres-source/session/lineage-check.ts'

const stored: WalLineage = { system: '7412', timeline: '1', epoch: 3 }
const first: ServerLineage = { system: '7412', timelines: timelinesOf(1, ''), walEnd: 1000, standby: false }
/** Promoted at 0/200 = 512. */
const promoted: ServerLineage = { ...first, timelines: timelinesOf(2, '1\t0/200\tno recovery target specified\n') }
const onSecond: WalLineage = { ...stored, timeline: '2@0/200' }

const next = (branch: number | null = null): LineageDecision => ({ kind: 'next', branch })
const refuse = (code: string): unknown => ({ kind: 'refuse', code, problem: expect.any(String) })

describe('the timelines of a server', () => {
  it('have a number and a start position', () => {
    expect(timelinesOf(1, '')).toEqual([{ name: '1', end: Infinity }])
    expect(
      timelinesOf(4, '1\t0/200\tno recovery target specified\n\n3\t16/B374D848\tbefore 2000-01-01 00:00:00+00\n'),
    ).toEqual([
      { name: '1', end: 0x200 },
      { name: '3@0/200', end: 0x16b374d848 },
      { name: '4@16/B374D848', end: Infinity },
    ])
  })
})

describe('a server on its second timeline', () => {
  function responding(history: () => object): Parameters<typeof identifySystem>[0] {
    const rows = (sql: string): object =>
      sql === 'IDENTIFY_SYSTEM' ? { systemid: '7412', timeline: '2', xlogpos: '0/3E8' } : history()
    return { query: async <Row extends object>(sql: string) => [rows(sql) as Row] }
  }

  it('names it by its start, whether the history arrives as text or as bytes', async () => {
    const file = '1\t0/200\tno recovery target specified\n'
    for (const content of [file, Buffer.from(file)]) {
      expect(
        await identifySystem(
          responding(() => ({ content })),
          false,
        ),
      ).toEqual(promoted)
    }
  })

  it('names it by its number when its history file is lost, and fails with any other error', async () => {
    const failing = (code: string) =>
      responding(() => {
        throw pgError(Object.assign(new Error('could not open file'), { code }), 'TIMELINE_HISTORY 2')
      })
    expect(currentTimeline(await identifySystem(failing('58P01'), false))).toBe('2')
    await expect(identifySystem(failing('42501'), false)).rejects.toThrow('PG_PRIVILEGE')
  })
})

describe('a stored position on a server', () => {
  it.each<[string, Partial<LineageInput>, unknown]>([
    ['of the same line', {}, { kind: 'same' }],
    ['at the very end of the log', { position: 1000 }, { kind: 'same' }],
    ['past the end of the log', { position: 1001 }, refuse('PG_LOG_BEHIND')],
    ['past the end of what a standby has', { position: 1001, server: { ...first, standby: true } }, { kind: 'wait', problem: expect.any(String) }],
    ['from before a promotion', { server: promoted, position: 512 }, next(512)],
    ['past the place where the promoted server branched off', { server: promoted, position: 520 }, refuse('PG_TIMELINE')],
    ['of the timeline of the promoted server', { server: promoted, stored: onSecond, position: 900 }, { kind: 'same' }],
    ['of another timeline of the same number', { server: promoted, stored: { ...stored, timeline: '2@0/180' }, position: 600 }, refuse('PG_TIMELINE')],
    ['of a later timeline than the server has', { stored: onSecond, position: 600 }, refuse('PG_TIMELINE')],
    ['of a timeline that a standby has not reached', { stored: onSecond, position: 600, server: { ...first, standby: true } }, { kind: 'wait', problem: expect.any(String) }],
    ['of another cluster', { stored: { ...stored, system: '99' } }, refuse('PG_OTHER_SERVER')],
    ['of another cluster, given up as it was requested for', { stored: { ...stored, system: '99' }, rereads: true, requested: true }, next()],
    ['of another timeline, given up as tables are read', { server: promoted, position: 600, rereads: true }, next()],
    ['past the end of the log, given up as tables are read', { position: 1001, rereads: true }, next()],
    ['of the same line, given up as tables are read', { rereads: true }, { kind: 'reread' }],
    ['in a snapshot that was interrupted', { position: null }, { kind: 'reread' }],
    ['in a snapshot that was interrupted on another server', { stored: { ...stored, system: '99' }, position: null, rereads: true }, refuse('PG_OTHER_SERVER')],
    ['of an offset without a line', { stored: null }, next()],
    ['of an offset without a line, past the end of the log', { stored: null, position: 1001 }, refuse('PG_LOG_BEHIND')],
    ['that is not stored', { stored: null, position: null }, next()],
    ['of a line whose timeline no one could ask for', { stored: { ...stored, timeline: '0' } }, next()],
  ])('%s', (_what, change, decision) => {
    expect(decideLineage({ server: first, stored, position: 500, rereads: false, requested: false, ...change })).toEqual(decision)
  }) // prettier-ignore

  it('is rejected with the remedy, or waited for', () => {
    const refused = decideLineage({ server: first, stored, position: 1001, rereads: false, requested: false })
    expect(() => enforceDecision(refused, 'Do this.')).toThrow(ConnectError)
    expect(() => enforceDecision(refused, 'Do this.')).toThrow(
      /^PG_LOG_BEHIND: changes up to 0\/3E9 were captured, .*0\/3E8: .* Do this\.$/,
    )
    const late = decideLineage({
      server: { ...first, standby: true },
      stored,
      position: 1001,
      rereads: false,
      requested: false,
    })
    expect(() => enforceDecision(late, '')).toThrow(RetriableError)
  })
})

describe('the epoch', () => {
  it.each<[string, LineageDecision, { epoch: number; highest: bigint | null }, number]>([
    ['is the first one where nothing is known', next(), { epoch: 0, highest: null }, 1],
    ['stays on the same line', { kind: 'same' }, { epoch: 3, highest: null }, 3],
    ['lies above that of the stored offset', next(), { epoch: 3, highest: null }, 4],
    ['lies above what the topics hold', next(), { epoch: 3, highest: firstVersion(7, 800) }, 8],
    ['lies above versions without an epoch', next(), { epoch: 0, highest: 800n * 1024n }, 1],
    ['lies above versions without an epoch past 8 TiB of log', next(), { epoch: 0, highest: 2n ** 53n + 5n }, 2],
    ['stays when tables are read again behind all versions', { kind: 'reread' }, { epoch: 3, highest: firstVersion(3, 400) }, 3],
    ['rises when tables are read again before a version', { kind: 'reread' }, { epoch: 3, highest: firstVersion(3, 408) }, 4],
    ['may be the last one', next(), { epoch: 1022, highest: null }, 1023],
  ])('%s', (_what, decision, known, epoch) => {
    expect(epochFor(decision, known, 400)).toBe(epoch)
  }) // prettier-ignore

  it('fails by name after the last one', () => {
    expect(() => epochFor(next(), { epoch: 1023, highest: null }, 0)).toThrow(/^PG_EPOCH: .*topic\.prefix/)
  })
})

describe('the lineage check of a session', () => {
  const offset = commitOffset(480, null, 1, stored)
  const find = (server: ServerLineage, at: SourceOffset | null, highest: bigint | null, rereads = false) =>
    checkLineage(server, at, {
      rereads,
      requested: rereads,
      previous: null,
      advice: 'Read again.',
      highest: async () => highest,
    })

  it('does not read the topics while the lineage is the same', async () => {
    const finding = await checkLineage(first, offset, {
      rereads: false,
      requested: false,
      previous: null,
      advice: '',
      highest: () => Promise.reject(new Error('no')),
    })
    expect(lineageFrom(finding, 480)).toEqual(stored)
  })

  it('compares with the lineage of the session before when that stored no offset', async () => {
    const options = { rereads: true, requested: false, previous: { ...stored, system: '99' }, advice: '' }
    await expect(checkLineage(first, null, { ...options, highest: async () => null })).rejects.toThrow(
      /^PG_OTHER_SERVER/,
    )
  })

  it('raises the epoch after a promotion', async () => {
    expect(lineageFrom(await find(promoted, offset, firstVersion(3, 472)), 480)).toEqual({ ...onSecond, epoch: 4 })
  })

  it('rejects a promotion without changes that are in the topics, even if the offset lies before them', async () => {
    await expect(find(promoted, offset, firstVersion(3, 520))).rejects.toThrow(/^PG_TIMELINE: .*Read again\.$/)
  })

  it('raises the epoch above the version of an offset without an epoch', async () => {
    const old = { lsn_proc: 2 ** 43, messageType: 'COMMIT', lsn_commit: 2 ** 43, lsn: 2 ** 43 }
    const server = { ...first, walEnd: 2 ** 44 }
    expect(lineageFrom(await find(server, old, null), 2 ** 43).epoch).toBe(2)
  })

  it('raises the epoch when tables are read again at a slot before the stored position', async () => {
    expect(lineageFrom(await find(first, offset, null, true), 480).epoch).toBe(3)
    expect(lineageFrom(await find(first, offset, null, true), 472).epoch).toBe(4)
  })

  it('takes the furthest position of an offset, none of an unfinished snapshot', () => {
    expect(lastCapturedLsn(commitOffset(9, null, 1, stored))).toBe(9)
    // The WAL record of the row starts at 9: WAL that ends there does not contain it.
    expect(lastCapturedLsn({ lsn: 9, lsn_proc: 9, lsn_commit: 7, messageType: 'INSERT' })).toBe(10)
    expect(lastCapturedLsn({ lsn: 9, snapshot: 'INITIAL', last_snapshot_record: false })).toBeNull()
  })
})
