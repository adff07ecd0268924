import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A record as kcat shows it. */
export interface DumpedRecord {
  readonly offset: number
  readonly key: string
  /** Null for a tombstone. */
  readonly value: string | null
  /** `name=value,…` */
  readonly headers: string
}

/** Reads a topic from its beginning to its end with kcat: a Kafka client that is not ours. */
export async function dumpTopic(
  kcat: string,
  broker: string,
  topic: string,
  each: (record: DumpedRecord) => void,
): Promise<void> {
  const child = spawn(
    kcat,
    ['-b', broker, '-C', '-t', topic, '-o', 'beginning', '-e', '-q', '-f', '%o\t%S\t%k\t%h\t%s\n'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const exit = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
    const [offset = '', size = '', key = '', headers = ''] = line.split('\t', 4)
    const value = size === '-1' ? null : line.slice(offset.length + size.length + key.length + headers.length + 4)
    each({ offset: Number(offset), key, value, headers })
  }
  const [code] = (await exit) as [number | null]
  if (code !== 0) throw new RangeError(`kcat ended with ${String(code)} reading ${topic}`)
}
