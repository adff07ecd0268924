import { describe, expect, it } from 'vitest'
import { ConnectError, DataError, NotReadyError } from '../../../../../src/api/errors.ts'
import { ConversionNotReadyError } from '../../../../../src/runtime/task-thread/conversion/conversion-not-ready-error.ts'
import { noHeaders, type ConnectRecord } from '../../../../../src/api/record.ts'
import {
  applyTransforms,
  type TransformStep,
} from '../../../../../src/runtime/task-thread/conversion/transform-chain.ts'

const record = (topic: string): ConnectRecord => ({
  topic,
  partition: null,
  keySchema: null,
  key: null,
  valueSchema: null,
  value: null,
  timestamp: null,
  headers: noHeaders,
})
/** Appends a letter to the topic. */
const suffix = (letter: string, when: Partial<TransformStep> = {}): TransformStep => ({
  alias: letter,
  transform: { apply: (given) => ({ ...given, topic: given.topic + letter }) },
  predicate: null,
  negate: false,
  ...when,
})
const ready7 = async (): Promise<void> => undefined
function notReady(): never {
  throw new NotReadyError('table 7', ready7)
}
function thrownBy(action: () => unknown): unknown {
  try {
    return action()
  } catch (error) {
    return error
  }
}
const isOrders = { test: ({ topic }: ConnectRecord) => topic.startsWith('orders') }
const topicOf = (steps: readonly TransformStep[], topic: string): string | undefined =>
  applyTransforms(steps, record(topic))?.topic

describe('a chain of transforms', () => {
  it('applies its steps in their order, each to what the one before it made', () => {
    expect(topicOf([suffix('1'), suffix('2')], 't')).toBe('t12')
  })

  it('applies a step with a predicate to the records that match it', () => {
    const steps = [suffix('1', { predicate: isOrders })]
    expect([topicOf(steps, 'orders'), topicOf(steps, 'clicks')]).toEqual(['orders1', 'clicks'])
  })

  it('applies a step with a negated predicate to the records that do not match it', () => {
    const steps = [suffix('1', { predicate: isOrders, negate: true })]
    expect([topicOf(steps, 'orders'), topicOf(steps, 'clicks')]).toEqual(['orders', 'clicks1'])
  })

  it('continues behind a step whose predicate passes the record by', () => {
    expect(topicOf([suffix('1', { predicate: isOrders }), suffix('2')], 'clicks')).toBe('clicks2')
  })

  it('ends at the step that drops the record', () => {
    let calls = 0
    const drops = suffix('1', { transform: { apply: () => null } })
    const counts = suffix('2', { transform: { apply: (given) => ((calls += 1), given) } })
    expect(applyTransforms([drops, counts], record('t'))).toBeNull()
    expect(calls).toBe(0)
  })

  it('names the step and the topic of a failure, which stays an error of data when it was one', () => {
    const failing = (error: Error): readonly TransformStep[] => [
      suffix('mask', {
        transform: {
          apply: () => {
            throw error
          },
        },
      }),
    ]
    const text = 'transform "mask" failed on a record of topic t: no such field'
    expect(() => topicOf(failing(new DataError('no such field')), 't')).toThrow(
      expect.objectContaining({ message: text, stage: 'TRANSFORMATION', name: 'DataError' }),
    )
    expect(() => topicOf(failing(new RangeError('no such field')), 't')).toThrow(ConnectError)
    expect(() => topicOf(failing(new RangeError('no such field')), 't')).not.toThrow(DataError)
  })

  it.each<[string, Partial<TransformStep>]>([
    ['step', { transform: { apply: () => notReady() } }],
    ['predicate', { predicate: { test: () => notReady() } }],
  ])('waits for a %s that is not ready, and names the step if that never is', (_what, parts) => {
    const error = thrownBy(() => topicOf([suffix('route', { ...parts, className: 'com.acme.Route' })], 't'))
    expect(error).toBeInstanceOf(ConversionNotReadyError)
    const { ready, explain } = error as ConversionNotReadyError
    expect(ready).toBe(ready7)
    expect(explain(new DataError('no such table'))).toMatchObject({
      message: 'transform "route" failed on a record of topic t: no such table',
      stage: 'TRANSFORMATION',
      executingClass: 'com.acme.Route',
    })
  })
})
