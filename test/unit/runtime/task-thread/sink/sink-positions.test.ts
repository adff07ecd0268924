import { expect, it } from 'vitest'

import { SinkPositions } from '../../../../../src/runtime/task-thread/sink/sink-positions.ts'

it('counts what the task was not given, and what it was given and did not commit', () => {
  const positions = new SinkPositions()
  positions.assign([
    { topic: 't', partition: 0, offset: 10 },
    { topic: 't', partition: 1, offset: 0 },
  ])
  positions.delivered('t', 0, 15)
  const lag = (): number[] => {
    const lags = positions.lags(({ partition }) => (partition === 0 ? 20 : null))
    expect(lags.map(({ topic, partition }) => [topic, partition])).toEqual([['t', 0]])
    return [...lags.map((each) => each.lag), positions.uncommitted()]
  }
  expect(lag()).toEqual([5, 5])
  positions.committed([{ topic: 't', partition: 0, offset: 12 }])
  expect(lag()).toEqual([5, 3])
  positions.sought({ topic: 't', partition: 0, offset: 11 })
  expect(lag()).toEqual([9, 0])
})
