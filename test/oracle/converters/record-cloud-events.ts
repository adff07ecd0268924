import { fileURLToPath } from 'node:url'

import { runOracle } from '../run-oracle.ts'
import { cloudEventsCases, type CloudEventsCase, type CloudEventsResult } from './cloud-events-cases.ts'

const program = fileURLToPath(new URL('CloudEventsOracle.java', import.meta.url))

/** Returns the lines of the recording: what the converter of Debezium makes of all cases, and of all messages that it writes. */
export async function recordCloudEvents(): Promise<string> {
  const results = (await runOracle('debezium', cloudEventsCases, program)) as CloudEventsResult[]
  const lines = cloudEventsCases.map((given, i) => ({ given, result: results[i] }))
  const back: CloudEventsCase[] = lines.flatMap(({ given: { config }, result }) =>
    result !== undefined && 'written' in result && result.written !== null ? [{ config, message: result.written }] : [],
  )
  const read = await runOracle('debezium', back, program)
  const all = [...lines, ...back.map((given, i) => ({ given, result: read[i] }))]
  return all.map((line) => `${JSON.stringify(line)}\n`).join('')
}
