import { present } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import type { CaseGroups } from './cases/all-cases.ts'
import { checkCase, type StagePlugin } from './check-case.ts'
import type { ResultJson } from './oracle-json.ts'
import { digestOf, readRecordings } from './recordings.ts'

interface Expectations {
  readonly plugins: ReadonlyMap<string, StagePlugin>
  /** By the name of the case: what is expected instead of what was recorded. */
  readonly deviations: Readonly<Record<string, { readonly result: ResultJson }>>
}

/** Tests that all cases end as recorded. @param owner whose results are recorded */
export function checkRecordings(owner: string, groups: CaseGroups, { plugins, deviations }: Expectations): void {
  describe.each([...groups])(`${owner}, recorded: %s`, (group, cases) => {
    const recordings = readRecordings(group)

    it('has a recording of each case', () => {
      expect(recordings.map(({ name, digest }) => [name, digest])).toEqual(
        cases.map((one) => [one.name, digestOf(one)]),
      )
    })

    for (const [i, one] of cases.entries()) {
      it(one.name, () => {
        const recorded = recordings[i]?.result
        if (recorded === undefined) throw new RangeError('not recorded')
        checkCase(present(plugins.get(one.class), one.class), one, deviations[one.name]?.result ?? recorded)
      })
    }
  })
}
