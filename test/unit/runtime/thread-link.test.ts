import { MessageChannel } from 'node:worker_threads'
import { afterEach, describe, expect, it } from 'vitest'

import { DataError } from '../../../src/api/errors.ts'
import { ThreadEndedError, ThreadLink } from '../../../src/runtime/thread/thread-link.ts'

type Question = { readonly type: 'double'; readonly value: number } | { readonly type: 'note'; readonly text: string }
interface QuestionResponses extends Record<string, unknown> {
  double: number
}

const open: MessageChannel[] = []
const others: ThreadLink<never, Record<string, never>, Question>[] = []
function pair(handle: (message: Question) => unknown): ThreadLink<Question, QuestionResponses, never> {
  const channel = new MessageChannel()
  open.push(channel)
  others.push(new ThreadLink(channel.port2, handle))
  return new ThreadLink<Question, QuestionResponses, never>(channel.port1, () => undefined)
}

afterEach(() => {
  others.length = 0
  for (const channel of open.splice(0)) channel.port1.close()
})

describe('a thread link', () => {
  it('resolves each question with the result of its handler', async () => {
    const link = pair((message) => (message.type === 'double' ? Promise.resolve(message.value * 2) : undefined))
    const answers = await Promise.all([1, 2, 3].map((value) => link.ask<'double'>({ type: 'double', value })))
    expect(answers).toEqual([2, 4, 6])
  })

  it('passes on what the handler throws, as the class it was', async () => {
    const link = pair(() => {
      throw new DataError('not a number')
    })
    await expect(link.ask<'double'>({ type: 'double', value: 1 })).rejects.toThrow(DataError)
  })

  it('tells all who wait why the other side ended', async () => {
    const link = pair(() => new Promise(() => undefined))
    const waiting = link.ask<'double'>({ type: 'double', value: 1 })
    link.end(new ThreadEndedError('thread x ended: out of memory'))
    await expect(waiting).rejects.toThrow('thread x ended: out of memory')
    await expect(link.ask<'double'>({ type: 'double', value: 1 })).rejects.toThrow('out of memory')
  })
})
