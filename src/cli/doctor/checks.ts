import { errorMessage } from '../../foundation/error-message.ts'
import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { dirname, join, resolve } from 'node:path'

import type { Clock } from '../../foundation/clock.ts'
import { bytesText, durationText } from '../output/text.ts'
import type { Config } from '../rest-client/entities.ts'

/** The result of one check. */
export interface Check {
  readonly name: string
  readonly state: 'good' | 'warning' | 'bad'
  readonly text: string
  /** What to do; empty when nothing has to be done. */
  readonly fix: string
}

const good = (name: string, text: string): Check => ({ name, state: 'good', text, fix: '' })

const requiredNode = 24

export function nodeCheck(version: string): Check {
  const major = Number(/^v?(\d+)/.exec(version)?.[1])
  if (major >= requiredNode) return good('Node.js', version)
  return {
    name: 'Node.js',
    state: 'bad',
    text: `${version} is too old`,
    fix: `Install Node.js ${requiredNode} or later.`,
  }
}

/** Below these, the log may fill the disk before an operator looks. Bytes and share. */
const low = { bytes: 5_000_000_000, share: 0.1 }

export function diskCheck(place: string, { free, all }: { readonly free: number; readonly all: number }): Check {
  const text = `${bytesText(free)} of ${bytesText(all)} are free at ${place}`
  const name = 'disk space'
  if (free < low.bytes / 10) return { name, state: 'bad', text, fix: 'Free space: a full disk stops the broker.' }
  if (free < low.bytes || free / all < low.share)
    return {
      name,
      state: 'warning',
      text,
      fix: 'Free space, or limit what topics keep: retention.bytes, retention.ms.',
    }
  return good(name, text)
}

/** The nearest directory that exists: where a data directory will be. */
export function existingDirectory(path: string): string {
  let directory = resolve(path)
  while (!existsSync(directory)) directory = dirname(directory)
  return directory
}

export function freeSpace(directory: string): { readonly free: number; readonly all: number } {
  const { bavail, blocks, bsize } = statfsSync(directory)
  return { free: bavail * bsize, all: blocks * bsize }
}

const syncs = 20
const syncBytes = 4096

/** The times of writing to a file and syncing it to the disk, sorted. Milliseconds. */
export function syncTimes(directory: string, clock: Clock): readonly number[] {
  const file = join(directory, `.penstock-doctor-${randomUUID()}`)
  const descriptor = openSync(file, 'wx', 0o600)
  try {
    const times = Array.from({ length: syncs }, () => {
      const begin = clock.monotonic()
      writeSync(descriptor, Buffer.alloc(syncBytes))
      fsyncSync(descriptor)
      return clock.monotonic() - begin
    })
    return times.toSorted((a, b) => a - b)
  } finally {
    closeSync(descriptor)
    rmSync(file, { force: true })
  }
}

/** From this median on, small batches wait more for the disk than for anything else. Milliseconds. */
const slowSyncMs = 20

export function syncCheck(times: readonly number[]): Check {
  const median = times[Math.floor(times.length / 2)] ?? 0
  const most = times.at(-1) ?? 0
  const text = `fsync takes ${median.toFixed(1)} ms (median), at most ${most.toFixed(1)} ms`
  if (median < slowSyncMs) return good('disk speed', text)
  return {
    name: 'disk speed',
    state: 'warning',
    text,
    fix: 'Each acknowledged batch waits for it: use a faster disk for the data.',
  }
}

/** Clocks that differ more make times in records wrong, and S3 refuse requests. Milliseconds. */
const maxSkewMs = 5000

/** @param serverMs the time of the server, of its Date header, which has whole seconds */
export function clockCheck(ownMs: number, serverMs: number): Check {
  const skew = Math.abs(ownMs - serverMs)
  if (skew <= maxSkewMs) return good('clock', `agrees with that of the server`)
  const text = `differs from that of the server by ${durationText(skew)}`
  return { name: 'clock', state: 'warning', text, fix: 'Synchronize both with NTP.' }
}

/** Whether a server listens on an address. */
export async function isListening(host: string, port: number, timeoutMs: number): Promise<true | string> {
  return await new Promise((resolvePromise) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (result: true | string): void => {
      socket.destroy()
      resolvePromise(result)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end('it does not respond'))
    socket.once('error', (error) => end(errorMessage(error)))
  })
}

/** A port that a worker uses by default. */
export function portCheck(
  port: number,
  what: string,
  { isUsed, isOurs }: { readonly isUsed: boolean; readonly isOurs: boolean },
): Check {
  const name = `port ${port}`
  if (!isUsed) return good(name, `free, for ${what}`)
  if (isOurs) return good(name, `used by the worker that responds`)
  return {
    name,
    state: 'warning',
    text: 'used by another program',
    fix: `A worker needs another port for ${what}: --set listeners=… or --set embedded.broker.listener=…`,
  }
}

/** A server that a connector needs. */
export interface NeededServer {
  readonly connector: string
  readonly host: string
  readonly port: number
}

const urlOptions = [
  'connection.url',
  'store.url',
  'schema.registry.url',
  'value.converter.schema.registry.url',
  'key.converter.schema.registry.url',
]
const ports: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 }

/** The servers that the config of a connector names. */
export function serversOf(connector: string, config: Config): readonly NeededServer[] {
  const host = config['database.hostname'] ?? ''
  const database = host === '' ? [] : [{ connector, host, port: Number(config['database.port'] ?? 5432) }]
  const urls = urlOptions.flatMap((option) => (config[option] ?? '').split(','))
  const others = urls.flatMap((text) => {
    const url = URL.canParse(text.trim()) ? new URL(text.trim()) : null
    const port = url === null ? undefined : url.port === '' ? ports[url.protocol] : Number(url.port)
    return url === null || port === undefined ? [] : [{ connector, host: url.hostname.replaceAll(/[[\]]/g, ''), port }]
  })
  return [...database, ...others]
}

export function serverCheck({ connector, host, port }: NeededServer, result: true | string): Check {
  const name = `server of ${connector}`
  if (result === true) return good(name, `${host}:${port} can be reached from here`)
  return {
    name,
    state: 'bad',
    text: `${host}:${port} cannot be reached from here: ${result}`,
    fix: 'Start it, or open the network to it.',
  }
}
