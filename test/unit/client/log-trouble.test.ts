import { describe, expect, it } from 'vitest'
import { BrokerError, ConnectionError } from '../../../src/client/errors.ts'
import { TroubleWatch } from '../../../src/client/log-trouble.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { ManualClock } from '../../support/manual-clock.ts'

function watched() {
  const clock = new ManualClock()
  const told: (string | null)[] = []
  const watch = new TroubleWatch(clock, 'written', (trouble) =>
    told.push(trouble === null ? null : `${trouble.code}: ${trouble.message}`),
  )
  return { clock, watch, told }
}

const refused = (detail: string | null = null): BrokerError =>
  new BrokerError(errorCodes.KAFKA_STORAGE_ERROR, 'Produce to orders-0', detail)

describe('the trouble of a producer', () => {
  it("is reported immediately and once with the broker's own code, and ends with the last place", () => {
    const { watch, told } = watched()
    for (const place of ['a-0', 'b-0', 'a-0'])
      watch.note(place, refused('BROKER_DISK_FULL: the disk is full. Free space'))
    watch.over('a-0')
    expect(told).toEqual(['BROKER_DISK_FULL: the disk is full. Free space'])
    watch.over('b-0')
    expect(told.at(-1)).toBeNull()
    watch.over('b-0')
    expect(told).toHaveLength(2)
  })

  it.each([
    ['LOG_REFUSES_WRITES', refused()],
    ['LOG_UNREACHABLE', new ConnectionError('127.0.0.1:9092 refused the connection')],
  ])('is %s only when it lasts', (code, error) => {
    const { clock, watch, told } = watched()
    watch.note('a-0', error)
    clock.advance(2999)
    watch.over('a-0')
    clock.advance(10_000)
    expect(told).toEqual([])
    watch.note('a-0', error)
    clock.advance(3000)
    expect(told).toEqual([`${code}: records cannot be written and are retried: ${error.message}`])
  })

  it('changes its code when a place learns the reason, and ends with the producer', () => {
    const { clock, watch, told } = watched()
    watch.note('a-0', new ConnectionError('gone'))
    clock.advance(3000)
    watch.note('a-0', refused('BROKER_DISK_FULL: full'))
    watch.close()
    expect(told.map((text) => text?.split(':')[0] ?? null)).toEqual(['LOG_UNREACHABLE', 'BROKER_DISK_FULL', null])
  })
})
