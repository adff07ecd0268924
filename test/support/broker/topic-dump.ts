import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { linesOf } from '../lines.ts'

/** A record as kcat shows it. */
export interface DumpedRecord {
  readonly offset: number
  readonly key: string
  /** Null for a tombstone. */
  readonly value: string | null
  /** `name=value,…` */
  readonly headers: string
}

/** What kcat is to read. */
export interface Dump {
  /** `host:port` */
  readonly broker: string
  readonly topic: string
  /** The first offset; without it the topic's beginning. */
  readonly from?: number
}

const tab = 0x09
/** The lines that {@link parsedDump} reads. */
const format = '%o\t%S\t%k\t%h\t%s\n'

/**
 * Reads a topic to its end with the program `kcat`: a Kafka client that is not ours. It stops reading while the caller
 * does, so that no topic is too large. @throws RangeError when kcat fails
 */
export async function* dumpTopic(kcat: string, { broker, topic, from }: Dump): AsyncGenerator<DumpedRecord> {
  const first = from === undefined ? 'beginning' : String(from)
  const child = spawn(kcat, ['-b', broker, '-C', '-t', topic, '-o', first, '-e', '-q', '-f', format], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  try {
    yield* parsedDump(child.stdout)
    const [code] = (await exit) as [number | null]
    if (code !== 0) throw new RangeError(`kcat ended with ${String(code)} reading ${topic}`)
  } finally {
    child.kill()
  }
}

/**
 * The records in what kcat prints. A key is a string of its own and not a slice of its line: a caller that keeps a million
 * keys does not keep the values too.
 */
export async function* parsedDump(output: AsyncIterable<Uint8Array>): AsyncGenerator<DumpedRecord> {
  for await (const line of linesOf(output)) {
    let start = 0
    const field = (): string => {
      const end = line.indexOf(tab, start)
      const text = line.toString('utf8', start, end)
      start = end + 1
      return text
    }
    const [offset, size, key, headers] = [field(), field(), field(), field()]
    yield { offset: Number(offset), key, value: size === '-1' ? null : line.toString('utf8', start), headers }
  }
}
