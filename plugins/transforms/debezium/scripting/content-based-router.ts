import type { TransformPlugin } from 'penstock/api'

import { scriptingTransform } from './scripting-transform.ts'

/**
 * `io.debezium.transforms.ContentBasedRouter`, Debezium's
 * [content-based routing](https://debezium.io/documentation/reference/stable/transformations/content-based-routing.html): an
 * expression names the topic of a record.
 */
export const plugin: TransformPlugin = scriptingTransform(
  'ContentBasedRouter',
  {
    name: 'topic.expression',
    displayName: 'Topic name expression',
    doc: 'The expression that names the topic of a record. With null, the record keeps its topic. Any other result than a string is an error of the record.',
  },
  (record, expression) => {
    const topic = expression.evaluate(record)
    if (topic === null || topic === undefined || topic === record.topic) return record
    if (typeof topic !== 'string') throw expression.wrongType(topic, 'String')
    return { ...record, topic }
  },
)
