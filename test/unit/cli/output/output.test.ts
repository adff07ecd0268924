import { describe, expect, it } from 'vitest'

import { pairs, table } from '../../../../src/cli/output/table.ts'
import { colorsWanted, painter, processTerminal } from '../../../../src/cli/output/terminal.ts'
import { Waiting } from '../../../../src/cli/output/waiting.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import {
  bytesText,
  clippedTo,
  counted,
  displayWidth,
  durationText,
  printable,
  wrapped,
} from '../../../../src/cli/output/text.ts'

const paint = painter(false)

describe('a table', () => {
  const columns = [
    { title: 'NAME', narrow: 'cut' },
    { title: 'N', align: 'right' },
    { title: 'WHY', narrow: 'wrap' },
  ] as const
  const rows = [
    ['a-connector-with-a-long-name', '1', 'the reason is long as well'],
    ['b', '22', ''],
  ]

  it('is as wide as its cells where there is room', () => {
    expect(table(columns, rows, { width: Number.POSITIVE_INFINITY, paint })).toEqual([
      'NAME                           N  WHY',
      'a-connector-with-a-long-name   1  the reason is long as well',
      'b                             22',
    ])
  })

  it('fits a narrow terminal: cells are cut or continue in the next line', () => {
    const lines = table(columns, rows, { width: 40, paint })
    expect(Math.max(...lines.map(displayWidth))).toBeLessThanOrEqual(40)
    expect(lines.slice(1, 3)).toEqual(['a-connector-with…   1  the reason is', '                       long as well'])
  })

  it('is aligned with wide characters and colours, and escapes what could steer the terminal', () => {
    const colored = table(
      [{ title: 'A' }, { title: 'B' }],
      [
        [{ text: '注文', style: 'red' }, 'x'],
        ['a\u001b[2J', 'y'],
      ],
      {
        width: 80,
        paint: painter(true),
      },
    )
    expect(colored[1]).toBe('\u001b[31m注文      \u001b[39m  x')
    expect(colored[2]).toBe('a\\u001b[2J  y')
  })
})

it('pairs continue below their value', () => {
  expect(pairs([['trace', 'one\n  two three']], { width: 20, paint })).toEqual(['trace  one', '         two three'])
})

describe('texts', () => {
  it('are cut, wrapped and counted in columns', () => {
    expect(clippedTo('注文注文', 5)).toBe('注文…')
    expect(wrapped('aaaa bb ccccccc', 5)).toEqual(['aaaa', 'bb', 'ccccc', 'cc'])
    expect(printable('a\tb\u202ec\n')).toBe('a\\tb\\u202ec\\n')
    expect([counted(1, 'task'), counted(1200, 'task')]).toEqual(['1 task', '1,200 tasks'])
  })

  it('have units that a person reads', () => {
    expect([0, 999, 1000, 3_140_000_000].map(bytesText)).toEqual(['0 B', '999 B', '1.0 kB', '3.1 GB'])
    expect([5, 1500, 119_000, 300_000, 12_000_000, 187_200_000].map(durationText)).toEqual([
      '5 ms',
      '2 s',
      '119 s',
      '5 min',
      '3 h 20 min',
      '2 d 4 h',
    ])
  })
})

it('colours are for terminals that show them, and users who want them', () => {
  const terminal = { isTTY: true, hasColors: () => true }
  expect(colorsWanted(terminal, {})).toBe(true)
  expect(colorsWanted({ isTTY: false }, {})).toBe(false)
  expect(colorsWanted(terminal, { NO_COLOR: '1' })).toBe(false)
  expect(colorsWanted(terminal, { NO_COLOR: '' })).toBe(true)
  expect(colorsWanted(terminal, { TERM: 'dumb' })).toBe(false)
  expect(colorsWanted({ isTTY: true, hasColors: () => false }, {})).toBe(false)
})

describe('a wait', () => {
  const said = (isErrorTerminal: boolean): string => {
    let text = ''
    const clock = new ManualClock()
    const terminal = {
      ...processTerminal(),
      columns: 30,
      isErrorTerminal,
      writeError: (part: string) => (text += part),
    }
    const waiting = new Waiting(terminal, clock)
    waiting.say('soon')
    clock.advance(3000)
    waiting.say('orders\u001b is RESTARTING, and has a long name')
    waiting.end()
    return text
  }

  it('is shown in one line once it takes long, and the line is removed', () => {
    expect(said(true)).toBe('\r\u001b[K… orders\\u001b is RESTARTING…\r\u001b[K')
  })

  it('is not shown where no one sees it', () => {
    expect(said(false)).toBe('')
  })
})
