import { noHeaders, type ConnectRecord } from '../../../src/api/record.ts'
import type { TransformStep } from '../../../src/runtime/task-thread/conversion/transform-chain.ts'
import { SlowConverter } from './slow-converter.ts'

/** A step that counts what it passes on. */
export function countingStep(): { readonly step: TransformStep; readonly values: string[] } {
  const values: string[] = []
  const transform: TransformStep['transform'] = {
    apply: (record) => {
      values.push(String(record.value))
      return record
    },
  }
  return { step: { alias: 'count', transform, predicate: null, negate: false }, values }
}

/** A step that is ready for a record once the schema of its text is found; see {@link SlowConverter}. */
export function slowStep(): { readonly step: TransformStep; readonly slow: SlowConverter } {
  const slow = new SlowConverter()
  const transform: TransformStep['transform'] = {
    apply: <R extends ConnectRecord>(record: R): R => {
      slow.fromConnect(record.topic, null, record.value)
      return { ...record, headers: noHeaders }
    },
  }
  return { step: { alias: 'slow', className: 'com.acme.Slow', transform, predicate: null, negate: false }, slow }
}
