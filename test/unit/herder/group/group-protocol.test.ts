import { describe, expect, it } from 'vitest'

import { nothingAssigned } from '../../../../src/herder/group/assignment.ts'
import {
  decodeAssignment,
  decodeMetadata,
  encodeAssignment,
  encodeMetadata,
  GroupProtocolError,
  type WorkerAssignment,
} from '../../../../src/herder/group/group-protocol.ts'

const url = 'http://a:8083/'
const metadataHex = '0002000e687474703a2f2f613a383038332f0000000000000005ffffffff'
const assignmentHex =
  '000200000002' +
  '6d31000e687474703a2f2f613a383038332f0000000000000005' +
  '000000010003666f6f00000002ffffffff00000000' +
  '0000000000000000'

const assignment: WorkerAssignment = {
  version: 2,
  error: 'none',
  leader: 'm1',
  leaderUrl: url,
  configOffset: 5,
  assigned: { connectors: ['foo'], tasks: [{ connector: 'foo', task: 0 }] },
  revoked: nothingAssigned,
  delayMs: 0,
}

describe('the bytes of the worker group', () => {
  it('writes metadata as Connect does', () => {
    const bytes = encodeMetadata({ version: 2, url, configOffset: 5, allocation: null })
    expect(bytes.toString('hex')).toBe(metadataHex)
  })

  it('writes an assignment as Connect does, the connector before its tasks', () => {
    expect(encodeAssignment(assignment).toString('hex')).toBe(assignmentHex)
  })

  it('reads a null list and a missing tail, as older workers send them', () => {
    const withNull = assignmentHex.replace(/0000000000000000$/, 'ffffffff00000000')
    expect(decodeAssignment(Buffer.from(withNull, 'hex'))).toEqual(assignment)
    expect(decodeAssignment(Buffer.from(assignmentHex.slice(0, -16), 'hex'))).toEqual(assignment)
    expect(decodeMetadata(Buffer.from(metadataHex.slice(0, -8), 'hex')).allocation).toBeNull()
  })

  it('reads what it writes, allocation included', () => {
    const metadata = { version: 2, url, configOffset: 7, allocation: { ...assignment, delayMs: 300_000 } }
    expect(decodeMetadata(encodeMetadata(metadata))).toEqual(metadata)
  })

  it('refuses bytes that are cut', () => {
    expect(() => decodeAssignment(Buffer.from(assignmentHex.slice(0, 40), 'hex'))).toThrow(GroupProtocolError)
  })
})
