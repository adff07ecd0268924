import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { ConfigError } from '../../../src/api/errors.ts'
import { directoryAdvice } from '../../../src/cli/worker/embedded-broker.ts'
import { stopSignal } from '../../../src/cli/stop-signal.ts'
import { parseWorkerArguments } from '../../../src/cli/worker-command.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-cli-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describe('the command line of the worker', () => {
  it('takes a properties file, and settings in its place', () => {
    const file = join(directory, 'worker.properties')
    writeFileSync(file, 'group.id=one\nbootstrap.servers = a:9092\n')
    expect(parseWorkerArguments([file, '--set', 'group.id=two', '--set', 'x=a=b', '--log-level', 'info'])).toEqual({
      settings: { 'group.id': 'two', 'bootstrap.servers': 'a:9092', x: 'a=b' },
      fromFile: true,
      logLevel: 'info',
    })
  })

  it('needs no arguments', () => {
    expect(parseWorkerArguments([])).toEqual({ settings: {}, fromFile: false, logLevel: 'info' })
    expect(parseWorkerArguments(['--help'])).toBeNull()
  })

  it('names what it does not understand', () => {
    const wrong = [
      ['--sett', 'a=b'],
      ['--set', 'novalue'],
      ['a', 'b'],
      ['--log-level', 'loud'],
      [join(directory, 'none')],
    ]
    for (const args of wrong) expect(() => parseWorkerArguments(args), args.join(' ')).toThrow(ConfigError)
  })
})

describe('the directory of the embedded broker', () => {
  it.each([
    ['ENOSPC: no space left on device, write', 'Free space'],
    ["EACCES: permission denied, mkdir '/data'", 'Give the user of the worker write access'],
    ["EROFS: read-only file system, mkdir '/data'", 'Give the user of the worker write access'],
    ["ENOTDIR: not a directory, mkdir '/a/b'", 'must be a directory'],
    ['EIO: i/o error, read', 'Its disk fails'],
  ])('has advice for %s', (message, advice) => {
    expect(directoryAdvice(message)).toContain(advice)
  })

  it('has no advice for an error that is not of the file system', () => {
    expect(directoryAdvice('cannot listen on 127.0.0.1:9092 (EADDRINUSE)')).toBeNull()
  })
})

describe('signals', () => {
  const listeners = (): number[] => ['SIGINT', 'SIGTERM', 'SIGHUP'].map((name) => process.listenerCount(name))

  it('end a process when its terminal goes, once', async () => {
    const before = listeners()
    const stopped = stopSignal(() => undefined, true)
    process.emit('SIGHUP')
    await stopped
    expect(listeners()).toEqual(before)
  })

  it('of a terminal there never was are told, and not taken', async () => {
    const before = process.listenerCount('SIGHUP')
    let ignored = 0
    const stopped = stopSignal(() => void (ignored += 1), false)
    process.emit('SIGHUP')
    process.emit('SIGHUP')
    expect(ignored).toBe(2)
    process.emit('SIGTERM')
    await stopped
    for (const added of process.listeners('SIGHUP').slice(before)) process.off('SIGHUP', added)
  })
})
