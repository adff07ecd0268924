import { expect, it } from 'vitest'

import { topicUsers, type TopicUser } from '../../../../src/herder/topics/topic-users.ts'

const user = (name: string, type: 'source' | 'sink', config = {}, activeTopics: readonly string[] = []): TopicUser => ({
  name,
  type,
  config,
  activeTopics,
})

it('a topic is used by those that have written it, read it by their config, or send their dead letters there', () => {
  const users = topicUsers([
    user('a-sink', 'sink', { topics: 'orders, items', 'errors.deadletterqueue.topic.name': 'letters' }),
    user('by-regex', 'sink', { 'topics.regex': 'ord.*' }),
    user('referring', 'sink', { topics: '${file:/secrets:topics}' }),
    user('broken', 'sink', { 'topics.regex': '(' }),
    user('without', 'sink'),
    user('source', 'source', { topics: 'items' }, ['orders']),
  ])
  expect(users('orders')).toEqual(['source', 'a-sink', 'by-regex'])
  expect(users('items')).toEqual(['a-sink'])
  expect(users('letters')).toEqual(['a-sink'])
  expect(users('other')).toEqual([])
})
