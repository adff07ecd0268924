import { describe, expect, it } from 'vitest'
import { unknownWaitMessage, waitMessage } from '../../../../connectors/postgres-source/connection/wait-message.ts'
import type {
  WaitState,
  Blocker,
  BlockingPrepared,
  BlockingSession,
} from '../../../../connectors/postgres-source/connection/find-blockers.ts'

const session: BlockingSession = {
  kind: 'session',
  pid: 12,
  user: 'app',
  application: 'psql',
  database: 'shop',
  state: 'idle in transaction',
  backend: 'client backend',
  since: '2026-11-29 01:02:03 UTC',
  waitsFor: [],
}
const prepared: BlockingPrepared = {
  kind: 'prepared',
  gid: 'g',
  owner: 'app',
  database: 'shop',
  since: '2026-11-29 01:02:03 UTC',
}

function blocked(blockers: readonly Blocker[], more: Partial<WaitState> = {}): WaitState {
  return { standby: false, user: 'penstock', event: 'relation', lockOn: 'public.t', blockers, ...more }
}

const text = (blockers: readonly Blocker[], more: Partial<WaitState> = {}): string =>
  waitMessage({ what: 'the snapshot' }, blocked(blockers, more)) ?? ''

describe('the message about a waiting query', () => {
  it('names a session with the command that ends it', () => {
    expect(text([session])).toBe(
      'the snapshot waits for a lock on "public.t". Blocked by: pid 12 (user "app", application "psql", database "shop", idle in ' +
        'transaction, since 2026-11-29 01:02:03 UTC): run SELECT pg_terminate_backend(12);',
    )
  })

  it('is absent when nothing blocks the query, except for a slot, which waits nevertheless', () => {
    expect(waitMessage({ what: 'the snapshot' }, blocked([]))).toBeNull()
    expect(waitMessage({ slot: 's' }, blocked([]))).toContain('At the last check none of them was open.')
  })

  it('keeps names that other users chose quoted, on one line and short', () => {
    const application = 'a"b\\c\nd\u0000e\u202Ef\u200Bg😀'
    expect(text([{ ...session, application }])).toContain(
      'application "a\\"b\\\\c\\u000ad\\u0000e\\u202ef\\u200bg😀", database',
    )
    expect(text([{ ...session, user: 'x'.repeat(63) }])).toContain(`user "${'x'.repeat(40)}…", `)
  })

  it.each([
    ["it's", "'it''s'"],
    ['a\\b', "E'a\\\\b'"],
    ["a\n'b", "E'a\\u000a''b'"],
    ['a\u{E0041}', "E'a\\U000e0041'"],
  ])('gives the complete command of the prepared transaction %j', (gid, literal) => {
    expect(text([{ ...prepared, gid }])).toContain(`in database "shop" run ROLLBACK PREPARED ${literal};`)
  })

  it('fits into a condition with complete commands, whatever the names are', () => {
    const name = '\u202E'.repeat(63)
    const wide = { ...session, user: name, application: name, database: name }
    const gid = '\n'.repeat(200)
    for (const one of [wide, { ...prepared, owner: name, database: name, gid: 'g'.repeat(200) }]) {
      const long = text([one, one, one, one])
      expect(long.length).toBeLessThan(1000)
      expect(long).toMatch(/; And \d more\.$/)
    }
    const escaped = text([{ ...prepared, gid }, prepared])
    expect(escaped).toMatch(
      /run ROLLBACK PREPARED with the gid from SELECT gid, .*; prepared transaction .* ROLLBACK PREPARED 'g';$/,
    )
    expect(unknownWaitMessage({ what: 'the snapshot' }, 'x'.repeat(2000)).length).toBeLessThan(1000)
  })

  it('never terminates the process that replays the WAL of a primary', () => {
    const startup = { ...session, user: null, application: '', database: null, state: null, backend: 'startup' }
    expect(text([startup], { standby: true })).toMatch(
      /\(startup, since [^)]*\): it holds the lock of a transaction of the primary/,
    )
    expect(text([startup])).not.toContain('pg_terminate_backend')
  })
})
