import { describe, expect, it } from 'vitest'

import { noMembership, type Membership } from '../../../../src/herder/group/worker-group.ts'
import { checkSignature, signatureHeaders } from '../../../../src/herder/internal/request-signature.ts'
import { TaskConfigWriter, type SendTaskConfigs } from '../../../../src/herder/internal/task-config-writer.ts'

const key = { key: Buffer.alloc(32), algorithm: 'HmacSHA256', createdMs: 0 }
const configs = [{ a: 'b' }]

function writer(membership: Partial<Membership>, sessionKey: typeof key | null = key) {
  const put: unknown[] = []
  const sent: Parameters<SendTaskConfigs>[0][] = []
  const taskConfigs = new TaskConfigWriter({
    membership: async () => ({ ...noMembership, generation: 1, ...membership }),
    put: async (...what) => void put.push(what),
    send: async (what) => void sent.push(what),
    sessionKey: () => sessionKey,
    signatureAlgorithm: 'HmacSHA256',
  })
  return { taskConfigs, put, sent }
}

describe('the task configs of a connector of this worker', () => {
  it('are written by this worker when it leads', async () => {
    const { taskConfigs, put, sent } = writer({ isLeader: true })
    await taskConfigs.write('a', configs, () => true)
    expect([put, sent]).toEqual([[['a', configs]], []])
  })

  it('are sent to the leader, with a signature that it accepts', async () => {
    const { taskConfigs, sent } = writer({ leaderUrl: 'http://leader/', isSigned: true })
    await taskConfigs.write('a', configs, () => true)
    expect(sent).toMatchObject([{ url: 'http://leader/', connector: 'a', body: '[{"a":"b"}]' }])
    const { body = '', headers = {} } = sent[0] ?? {}
    const signature = headers[signatureHeaders.signature] ?? null
    const algorithm = headers[signatureHeaders.algorithm] ?? null
    checkSignature(body, { signature, algorithm }, { key, allowed: ['HmacSHA256'] })
  })

  it('are sent without a signature in a group whose protocol has none', async () => {
    const { taskConfigs, sent } = writer({ leaderUrl: 'http://leader/' }, null)
    await taskConfigs.write('a', configs, () => true)
    expect(sent).toMatchObject([{ headers: {} }])
  })

  it('are not written when they are outdated by the time at which the worker may write', async () => {
    for (const role of [{ isLeader: true }, { leaderUrl: 'http://leader/', isSigned: true }]) {
      const { taskConfigs, put, sent } = writer(role)
      let isCurrent = true
      const written = taskConfigs.write('a', configs, () => isCurrent)
      isCurrent = false
      await written
      expect([put, sent]).toEqual([[], []])
    }
  })

  it('wait for a leader, and for its session key', async () => {
    await expect(writer({}).taskConfigs.write('a', configs, () => true)).rejects.toThrow(
      'Only the leader can write task configs.',
    )
    const { taskConfigs } = writer({ leaderUrl: 'http://leader/', isSigned: true }, null)
    await expect(taskConfigs.write('a', configs, () => true)).rejects.toThrow('has not written a session key')
  })
})
