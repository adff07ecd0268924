import { expect, it } from 'vitest'
import { churnGroup, churnTopic, killUnderProducer } from '../support/broker/broker-chaos.ts'
import { chosenSeed, soakMs } from '../support/soak-run.ts'

const seed = chosenSeed()

it('a broker that is killed keeps what its producer was told of, once and in order', async () => {
  const { acknowledged, written, failed, log } = await killUnderProducer(seed, soakMs)
  expect(failed, `SEED=${seed}`).toEqual([])
  expect(acknowledged.size, `SEED=${seed}`).toBe(written)
  expect(
    log.flat().toSorted((a, b) => a - b),
    `SEED=${seed}`,
  ).toEqual([...acknowledged].toSorted((a, b) => a - b))
  for (const values of log) expect(values, `SEED=${seed}`).toEqual(values.toSorted((a, b) => a - b))
})

it('a topic is deleted and created again under load, and nothing but its absence is told', async () => {
  const { codes, logged, topics } = await churnTopic(seed, soakMs)
  const allowed = /^((produce|fetch) [03]|(create|delete|add) 0)$/
  expect(
    Object.keys(codes).filter((code) => !allowed.test(code)),
    `SEED=${seed}`,
  ).toEqual([])
  expect({ logged, topics }, `SEED=${seed}`).toEqual({ logged: [], topics: ['t'] })
})

it('a group gets every record while members come, leave, die and stall', async () => {
  const { written, gaps, errors } = await churnGroup(seed, soakMs)
  expect(written, `SEED=${seed}`).toBeGreaterThan(0)
  expect({ gaps, errors }, `SEED=${seed}`).toEqual({ gaps: [], errors: [] })
})
