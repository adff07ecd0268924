import { expect, it } from 'vitest'

import { letterContextOf } from '../../../../src/storage/dead-letters/letter-context.ts'

it('a letter of a letter has the context of the last one, without what only the first one says', () => {
  const first = { topic: 'orders', partition: '1', offset: '7', 'connector.name': 'sink' }
  const last = { topic: 'letters', partition: '0', offset: '2', 'connector.name': 'reader' }
  const headers = (texts: Readonly<Record<string, string>>, group: string) =>
    Object.entries(texts).map(([key, text]) => ({ key: `__${group}.errors.${key}`, value: Buffer.from(text) }))
  const own = headers({ 'topic.id': 'id', 'parked.behind': 'orders-1@5' }, 'penstock')
  const one = [...headers(first, 'connect'), ...own]
  expect(letterContextOf(one)).toMatchObject({ connector: 'sink', topicId: 'id', parkedFrom: 5 })
  expect(letterContextOf([...one, ...headers(last, 'connect')])).toMatchObject({
    connector: 'reader',
    place: { topic: 'letters', partition: 0, offset: 2 },
    topicId: null,
    parkedFrom: null,
  })
})
