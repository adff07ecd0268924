import { expect, it } from 'vitest'
import type { OpenTransaction } from '../../../../connectors/postgres-source/offsets/resume-point.ts'
import { TransactionCursor } from '../../../../connectors/postgres-source/replication/transaction-cursor.ts'

/** Transactions 3 to 5, each of three changes: one, and two that share an LSN. */
const transactions = [3, 4, 5].map((xid) => ({
  xid,
  finalLsn: xid * 100 + 50,
  micros: 1,
  lsns: [xid * 100, xid * 100 + 10, xid * 100 + 10],
}))

type Part = Omit<OpenTransaction, 'mayBePart'>

/** The changes that a stream emits which starts with these parts captured: `transaction/number`. */
function emitted(parts: readonly Part[]): readonly string[] {
  const open = parts.map((part) => ({ ...part, mayBePart: false }))
  const cursor = new TransactionCursor({ kind: 'stream', skipBefore: 300, lastCommit: 300, open }, 1)
  return transactions.flatMap(({ lsns, ...begin }) => {
    cursor.begin(begin)
    const seen = lsns.flatMap((lsn, i) => (cursor.count(lsn) ? [`${begin.xid}/${i + 1}`] : []))
    cursor.onCommit()
    return seen
  })
}

const first = { txId: 3, lsn: 300, nth: 1 }

it.each<[string, readonly Part[], readonly string[]]>([
  ['all of them when nothing is captured', [], ['3/1', '3/2', '3/3']],
  ['those after a change', [first], ['3/2', '3/3']],
  ['those after a part of the changes that share an LSN', [first, { txId: 3, lsn: 310, nth: 1 }], ['3/3']],
  ['those after such a part of a later transaction', [{ txId: 3, lsn: 310, nth: 2 }, { txId: 4, lsn: 410, nth: 1 }], ['4/3']],
  ['those after the first transaction, whatever its id is', [{ ...first, txId: null }, { txId: 4, lsn: 410, nth: 1 }], ['3/2', '3/3', '4/3']],
])('a stream that continues emits %s', (_what, open, of) => {
  const last = Math.max(3, ...open.map(({ txId }) => txId ?? 3))
  const rest = transactions.filter(({ xid }) => xid > last).flatMap(({ xid }) => [`${xid}/1`, `${xid}/2`, `${xid}/3`])
  expect(emitted(open)).toEqual([...of, ...rest])
}) // prettier-ignore

it('tells which change may have been emitted in part: the last one of an offset that Debezium wrote', () => {
  const open = [{ txId: 3, lsn: 310, nth: 1, mayBePart: true }]
  const cursor = new TransactionCursor({ kind: 'stream', skipBefore: 300, lastCommit: 300, open }, 1)
  const seen = transactions.flatMap(({ lsns, ...begin }) => {
    cursor.begin(begin)
    return lsns.map((lsn) => [cursor.count(lsn), cursor.mayBePart])
  })
  const whole = [true, false]
  expect(seen).toEqual([[false, false], [false, true], ...Array.from({ length: 7 }, () => whole)])
})
