import type { ConnectRecord } from '../../api/record.ts'
import { rules, type Rule } from '../contract/rules.ts'
import { shown, valueFault } from './value-fault.ts'

/** A rule that a record breaks, and how. */
export interface RecordFault {
  readonly rule: Rule
  readonly did: string
}

/** Returns what is wrong with a record of a source; null if nothing is. */
export function sourceRecordFault(record: unknown): RecordFault | null {
  if (typeof record !== 'object' || record === null) return { rule: rules.record, did: `${shown(record)} is no record` }
  const fault = connectRecordFault(record as ConnectRecord)
  if (fault !== null) return fault
  for (const name of ['sourcePartition', 'sourceOffset']) {
    const flat = flatFault(Reflect.get(record, name), name)
    if (flat !== null) return { rule: rules.sourceOffset, did: flat }
  }
  return null
}

/** Returns what is wrong with the fields of any record; null if nothing is. */
export function connectRecordFault(record: ConnectRecord): RecordFault | null {
  const form = formFault(record)
  if (form !== null) return { rule: rules.record, did: form }
  const parts = [
    valueFault(record.keySchema, record.key, 'the key'),
    valueFault(record.valueSchema, record.value),
    ...record.headers.map(({ key, schema, value }) => valueFault(schema, value, `the header ${key}`)),
  ]
  const did = parts.find((part) => part !== null) ?? null
  return did === null ? null : { rule: rules.value, did }
}

function formFault({ topic, partition, timestamp, headers, ...rest }: ConnectRecord): string | null {
  if (typeof topic !== 'string' || topic === '')
    return `the topic of a record is ${shown(topic)}, not a non-empty string`
  if (partition !== null && !isCount(partition))
    return `the partition of a record is ${shown(partition)}, neither null nor a number from 0`
  if (timestamp !== null && !isCount(timestamp))
    return `the timestamp of a record is ${shown(timestamp)}, neither null nor milliseconds since the epoch`
  if (!Array.isArray(headers)) return `the headers of a record are ${shown(headers)}, not an array`
  const header = headers.find((each: unknown) => typeof Reflect.get(Object(each), 'key') !== 'string')
  if (header !== undefined) return `a header of a record has no key: ${shown(header)}`
  const missing = ['keySchema', 'key', 'valueSchema', 'value'].find((name) => Reflect.get(rest, name) === undefined)
  return missing === undefined ? null : `a record has no ${missing}; write null if there is none`
}

function isCount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** Returns why a value is not a flat map of JSON values; null if it is. */
function flatFault(value: unknown, name: string): string | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return `the ${name} of a record is ${shown(value)}, not a flat map of JSON values`
  const wrong = Object.entries(value).find(([, item]) => !isFlat(item))
  return wrong === undefined
    ? null
    : `the ${name} of a record has ${shown(wrong[1])} as ${wrong[0]}. It is stored as JSON: use strings, numbers, booleans and null`
}

function isFlat(item: unknown): boolean {
  if (typeof item === 'number') return Number.isFinite(item)
  return item === null || ['string', 'boolean', 'bigint'].includes(typeof item)
}
