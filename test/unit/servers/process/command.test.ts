import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { isOpenToOthers } from '../../../../src/servers/account.ts'
import { findBinary, lastLines, run } from '../../../../src/servers/process/command.ts'
import { freePort, freePorts } from '../../../../src/servers/process/port.ts'
import { withoutPassword } from '../../../../src/servers/process/server.ts'
import { firstWay } from '../../../../src/servers/ways.ts'

describe('a command', () => {
  it('returns its output and reports its lines', async () => {
    const lines: string[] = []
    expect(await run('/bin/sh', ['-c', 'echo out; echo err >&2'], { onLine: (line) => lines.push(line) })).toBe('out\n')
    expect(lines.toSorted()).toEqual(['err', 'out'])
  })

  it('fails with its exit code and the end of its output', async () => {
    const failing = run('/bin/sh', ['-c', 'echo because; exit 3'])
    await expect(failing).rejects.toThrow(/^\/bin\/sh -c echo because; exit 3 ended with 3: because$/)
    await expect(run('/no/such/program', [])).rejects.toThrow('/no/such/program: spawn /no/such/program ENOENT')
  })

  it('ends with the signal that it is given', async () => {
    await expect(run('/bin/sh', ['-c', 'exec sleep 60'], { signal: AbortSignal.timeout(50) })).rejects.toThrow(
      /aborted/,
    )
  })

  it('is found in directories only where it can be executed', () => {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-test-'))
    writeFileSync(join(directory, 'plain'), '')
    writeFileSync(join(directory, 'tool'), '', { mode: 0o755 })
    expect(findBinary('tool', ['/nowhere', directory])).toBe(join(directory, 'tool'))
    expect(findBinary('plain', [directory])).toBeNull()
    rmSync(directory, { recursive: true })
  })

  it('is quoted by its last lines', () => {
    expect(lastLines('a\nb\nc\n', 2)).toBe('b\nc')
  })
})

describe('ports', () => {
  it('differ, and replace a preferred port that is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as AddressInfo
    const [first, second] = await freePorts([port, null])
    expect(first).not.toBe(port)
    expect(first).not.toBe(second)
    taken.close()
    const free = await freePort()
    expect(await freePort(free)).toBe(free)
  })
})

describe('ways to have a server', () => {
  it('are tried in order until one succeeds', async () => {
    const failing = async (): Promise<string> => {
      throw new Error('no engine')
    }
    const ways = [
      ['Docker', failing],
      ['Maven', async () => 'jar'],
    ] as const
    expect(await firstWay('Kafka', 'Do this.', ways)).toBe('jar')
    await expect(firstWay('Kafka', 'Do this.', [['Docker', failing]])).rejects.toThrow(
      'Kafka is not available: Docker: no engine. Do this.',
    )
  })
})

it('an address is shown without its password', () => {
  expect(withoutPassword('postgres://user:secret@host:1/db')).toBe('postgres://user:***@host:1/db')
  expect(withoutPassword('http://host:9200')).toBe('http://host:9200')
})

it('a directory is open to others only when all above it are', () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-test-'))
  expect(isOpenToOthers(tmpdir())).toBe(true)
  expect(isOpenToOthers(join(directory, 'below', 'that'))).toBe(false)
  rmSync(directory, { recursive: true })
})
