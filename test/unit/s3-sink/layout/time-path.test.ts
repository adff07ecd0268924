import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

import { jodaFormat } from '../../../../connectors/s3-sink/layout/joda-format.ts'
import { timePath } from '../../../../connectors/s3-sink/layout/time-path.ts'
import { isTimeZone } from '../../../../connectors/s3-sink/layout/zone-offset.ts'
import { jodaCases, type JodaCase } from '../../../oracle/joda/joda-cases.ts'

interface Recorded {
  readonly given: JodaCase
  readonly path: string
}

const recorded = readFileSync(new URL('../../../oracle/joda/joda-2.12.7.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded)

it('directories by time are those of Joda', () => {
  expect(recorded.map(({ given }) => given)).toEqual(jodaCases)
  const ours = recorded.map(({ given }) => {
    const [pattern, locale, timeZone, durationMs, timeMs] = given
    return { given, path: timePath({ pattern, locale, timeZone, durationMs: Number(durationMs) })(Number(timeMs)) }
  })
  expect(ours).toEqual(recorded)
})

it('one partitioner gives every time its directory, in whatever order they come', () => {
  const settings = { pattern: 'YYYY/MM/dd/HH', locale: 'en', timeZone: 'America/New_York', durationMs: 3_600_000 }
  const path = timePath(settings)
  const times = Array.from({ length: 500 }, (_, i) => 1_700_000_000_000 + ((i * 7_919) % 500) * 1_800_000)
  for (const time of times) expect(path(time)).toBe(timePath(settings)(time))
})

it.each(['q', 'YYYY-bb', 'L', 'u'])('a pattern with a letter that Joda does not have is refused: %s', (pattern) => {
  expect(() => jodaFormat(pattern, 'en', 'UTC')).toThrow(/Illegal pattern component: [qbLu]/)
})

it('a time zone is known from another word', () => {
  expect(['Europe/Berlin', 'UTC', '+02:00', 'Middle-earth'].map(isTimeZone)).toEqual([true, true, true, false])
})
