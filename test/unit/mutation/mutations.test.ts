import { describe, expect, it } from 'vitest'
import { apply, mutationsOf } from '../../mutation/mutations.ts'
import { readSurvivors, writeSurvivors } from '../../mutation/survivors.ts'

const mutants = (text: string): readonly string[] =>
  mutationsOf(text).map((mutation) => `${mutation.kind}: ${apply(text, mutation)}`)

describe('the mutations of a source', () => {
  it('move the limit of a comparison, and turn an equality round', () => {
    expect(mutants('f(a < b)\ng(a === b)')).toEqual(
      expect.arrayContaining(['< → <=: f(a <= b)\ng(a === b)', '=== → !==: f(a < b)\ng(a !== b)']),
    )
  })

  it('negate a condition, and take one side of it for both', () => {
    const text = 'if (a && b) c = 1n'
    expect(mutants(text)).toEqual(
      expect.arrayContaining([
        'condition negated: if (!(a && b)) c = 1n',
        '&& → ||: if (a || b) c = 1n',
        'constant + 1: if (a && b) c = 2n',
        'statement removed: if (a && b) ;',
      ]),
    )
  })

  it('drop an await, remove a statement, empty a function that returns nothing', () => {
    const text = 'class A { async f() { await g(); h() } }'
    expect(mutants(text)).toEqual([
      'function emptied: class A { async f() {} }',
      'statement removed: class A { async f() { ; h() } }',
      'await dropped: class A { async f() { void g(); h() } }',
      'statement removed: class A { async f() { await g(); ; } }',
    ])
  })

  it('leave types, imports, log lines and the joining of texts alone', () => {
    const text = "import a from 'b'\ntype T = 1 | 2\nlet x: 3\nthis.#logger.warn('n' + a)\n"
    expect(mutants(text)).toEqual([])
  })

  it('are none that the language does not take', () => {
    for (const mutant of mutationsOf('const a = -1 ** 2'.replace('-1', '(-1)')))
      expect(mutant.kind).toBe('constant + 1')
  })
})

describe('the table of survivors', () => {
  const run = { date: '2026-01-01', commit: 'abc', command: 'npm run mutate', counts: '2 mutants' }
  const rows = [
    { path: 'src/b.ts', line: 2, change: '|| → &&: a && b', reason: 'equivalent: a holds wherever b does' },
    { path: 'src/a.ts', line: 9, change: 'constant + 1: const a = 3', reason: '' },
  ]

  it('keeps the text above it, sorts its rows, and is read as it was written', () => {
    const document = writeSurvivors('# Title\n\n<!-- last run -->\nfrom the run before', run, rows)
    expect(document).toMatch(/^# Title\n\n<!-- last run -->\n\nLast run: 2026-01-01, commit abc/)
    expect(document).not.toContain('from the run before')
    expect(readSurvivors(document)).toEqual([rows[1], rows[0]])
  })
})
