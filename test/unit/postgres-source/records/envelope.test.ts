import { describe, expect, it } from 'vitest'
import { adjustName, adjustPart, topicName } from '../../../../connectors/postgres-source/records/envelope.ts'

describe('names', () => {
  it('are made valid in Kafka and Avro', () => {
    expect(topicName('p.public.Mixed Case')).toBe('p.public.Mixed_Case')
    expect(adjustName('my-app.public.1t.Value', 'avro')).toBe('my_app.public._1t.Value')
    expect(['1a', '2a'].map((name) => adjustPart(name, 'avro'))).toEqual(['_1a', '_2a'])
    expect(adjustPart('a-b_c', 'avro_unicode')).toBe('a_u002db_u005fc')
    expect(adjustName('my-app', 'none')).toBe('my-app')
  })
})
