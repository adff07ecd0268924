import { writtenLines } from '../worker/written-lines.ts'
import { numberedLine, sinks, sources, topicOf, outputOf } from './chaos-connectors.ts'
import type { Disturbance } from './chaos-calls.ts'
import type { GroupReader, ReadRecord } from './group-reader.ts'

/** What a run did to its data. */
export interface DataRun {
  readonly directory: string
  /** How many lines the file of each source has. */
  readonly written: number
  readonly faults: readonly Disturbance[]
  /** By the name of the connector. */
  readonly offsetChanges: ReadonlyMap<string, readonly Disturbance[]>
  /** Whether a record may be repeated without an entry in {@link faults}: the workers have said so. */
  readonly repeatsAreAnnounced: boolean
}

export interface DataReport {
  readonly faults: readonly string[]
  /** Records that topics and files have more than once, for a known reason. */
  readonly repeatedRecords: number
  readonly repeatedLines: number
}

interface Numbers {
  /** In the order of their first occurrences. */
  readonly first: readonly number[]
  readonly repeated: number
}

/** Of each source. */
const shownFaults = 5

/** Each line of each file is in its topic, each record of a topic is in the file of each sink, in their order. */
export async function checkData(reader: GroupReader, run: DataRun): Promise<DataReport> {
  const faults: string[] = []
  const copies = new Map<string, number>()
  let repeatedRecords = 0
  for (const source of sources) {
    const records = await reader.records(topicOf(source))
    const numbers = records.map(({ value }) => numberedLine(payloadOf(value))?.number ?? -1)
    const found = firstOccurrences(numbers)
    repeatedRecords += found.repeated
    copies.set(source, numbers.length)
    faults.push(...orderFaults(`topic ${topicOf(source)}`, found.first, run.written))
    const known = [...run.faults, ...(run.offsetChanges.get(source) ?? [])]
    faults.push(...sequenceFaults(source, records, numbers, known))
  }
  const files = sinks.map((sink) => fileReport(sink, run, copies))
  return {
    faults: [...faults, ...files.flatMap((file) => file.faults)],
    repeatedRecords,
    repeatedLines: files.reduce((sum, { repeated }) => sum + repeated, 0),
  }
}

/** Whether the file of a sink has every line. */
export function hasAllLines(directory: string, sink: string, written: number): boolean {
  const lines = writtenLines(outputOf(directory, sink))
  return new Set(lines.filter((line) => numberedLine(line) !== null)).size >= written * sources.length
}

function fileReport(
  sink: string,
  { directory, written, faults: happened, offsetChanges, repeatsAreAnnounced }: DataRun,
  copies: ReadonlyMap<string, number>,
): { readonly faults: readonly string[]; readonly repeated: number } {
  const lines = writtenLines(outputOf(directory, sink)).map(numberedLine)
  const faults: string[] = []
  let repeated = 0
  const isCalm = happened.length === 0 && !offsetChanges.has(sink)
  if (isCalm && lines.includes(null)) faults.push(`${sink} has written a line that is not whole`)
  for (const source of sources) {
    const numbers = lines.flatMap((line) => (line?.source === source ? [line.number] : []))
    const found = firstOccurrences(numbers)
    faults.push(...orderFaults(`${sink} of ${source}`, found.first, written))
    const more = numbers.length - (copies.get(source) ?? 0)
    repeated += Math.max(0, more)
    if (isCalm && more > 0 && !repeatsAreAnnounced) faults.push(`${sink} has written ${more} lines of ${source} again`)
    if (more < 0) faults.push(`${sink} has ${-more} lines of ${source} less than its topic`)
  }
  return { faults, repeated }
}

function orderFaults(what: string, first: readonly number[], written: number): readonly string[] {
  const at = first.findIndex((number, index) => number !== index)
  if (at >= 0) return [`${what} has line ${first[at]} where line ${at} is next`]
  return first.length === written ? [] : [`${what} has ${first.length} lines of ${written}`]
}

/**
 * A task writes one line after the other. It begins again at an earlier line only when something has happened to its worker, its
 * broker or its offsets. Where a topic continues behind a later line, two tasks have written at the same time.
 */
function sequenceFaults(
  source: string,
  records: readonly ReadRecord[],
  numbers: readonly number[],
  known: readonly Disturbance[],
): readonly string[] {
  const faults = numbers.flatMap((number, at) => {
    const before = numbers[at - 1] ?? -1
    if (number === before + 1) return []
    const times = [records[at - 1]?.timestamp ?? 0, records[at]?.timestamp ?? 0]
    const [from, to] = [Math.min(...times), Math.max(...times)]
    if (number <= before && known.some((one) => one.from <= to && one.to >= from)) return []
    const when = times.map((time) => new Date(time).toISOString().slice(11, 23)).join(' and ')
    const what = number > before ? 'as of another task' : 'again'
    return [`${source} has written line ${number} after line ${before}, ${what}, read at ${when}`]
  })
  const more = faults.length - shownFaults
  return more <= 0 ? faults : [...faults.slice(0, shownFaults), `${source} has done so ${more} times more`]
}

function firstOccurrences(numbers: readonly number[]): Numbers {
  const first = [...new Set(numbers)]
  return { first, repeated: numbers.length - first.length }
}

/** JsonConverter's value with its schema. */
function payloadOf(value: string | null): string {
  return String((JSON.parse(value ?? '{}') as { readonly payload?: unknown }).payload)
}
