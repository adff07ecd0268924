import type { TransformPlugin } from 'penstock/api'

import { scriptingTransform } from './scripting-transform.ts'

/**
 * `io.debezium.transforms.Filter`, Debezium's
 * [message filtering](https://debezium.io/documentation/reference/stable/transformations/filtering.html): keeps the records for which
 * a condition is true.
 */
export const plugin: TransformPlugin = scriptingTransform(
  'Filter',
  {
    name: 'condition',
    displayName: 'Filtering condition',
    doc: 'The expression that decides about a record: true keeps it, false drops it. Any other result is an error of the record.',
  },
  (record, expression) => {
    const result = expression.evaluate(record)
    if (typeof result !== 'boolean') throw expression.wrongType(result, 'Boolean')
    return result ? record : null
  },
)
