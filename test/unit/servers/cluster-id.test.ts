import { expect, it } from 'vitest'

import { randomClusterId } from '../../../src/servers/kafka.ts'

it('the id of a new cluster is no option of a command', () => {
  const ids = Array.from({ length: 2000 }, randomClusterId)
  expect(ids.filter((id) => !/^\w[\w-]{21}$/.test(id))).toEqual([])
})
