import { describe, expect, it } from 'vitest'
import { BrokerCommandError, parseBrokerArguments, runBrokerCommand } from '../../../src/cli/broker-command.ts'

describe('penstock broker', () => {
  it('listens on this machine alone unless told otherwise', () => {
    expect(parseBrokerArguments([])).toEqual({
      listen: { host: '127.0.0.1', port: 9092 },
      advertisedHost: null,
      dataDir: './penstock-data',
      allowUnauthenticated: false,
    })
  })

  it('takes address, folder and advertised name', () => {
    const args = ['--listen', '[::1]:19092', '--data', 'logs', '--advertise', 'log.example']
    expect(parseBrokerArguments(args)).toMatchObject({
      listen: { host: '::1', port: 19092 },
      advertisedHost: 'log.example',
      dataDir: 'logs',
    })
  })

  it('does not open the log to the network by accident, and names the way to do it on purpose', () => {
    for (const host of ['0.0.0.0', '[::]', '192.168.1.5', 'example.org']) {
      expect(() => parseBrokerArguments(['--listen', `${host}:9092`])).toThrow(/--allow-unauthenticated/)
      expect(parseBrokerArguments(['--listen', `${host}:9092`, '--allow-unauthenticated'])).not.toBeNull()
    }
  })

  it('refuses what it does not understand', () => {
    for (const listen of ['9092', 'localhost', ':9092', 'localhost:', 'localhost:70000', 'localhost:x', '::1:9092']) {
      expect(() => parseBrokerArguments(['--listen', listen])).toThrow(BrokerCommandError)
    }
    expect(() => parseBrokerArguments(['--port', '1'])).toThrow(/--port/)
    expect(() => parseBrokerArguments(['extra'])).toThrow(BrokerCommandError)
  })

  it('explains itself', async () => {
    const printed: string[] = []
    expect(await runBrokerCommand(['--help'], (text) => printed.push(text))).toBe(0)
    expect(printed.join('')).toMatch(/--listen HOST:PORT.*--data DIR/s)
  })
})
