import { describe, expect, it } from 'vitest'
import { defaultConnectionLimits } from '../../../src/broker/server/connection-limits.ts'
import { settledBroker } from '../../../src/broker/settings/broker-settings.ts'
import { BrokerCommandError, parseBrokerArguments, runBrokerCommand } from '../../../src/cli/broker-command.ts'

describe('penstock broker', () => {
  it('listens on this machine alone unless told otherwise', () => {
    expect(parseBrokerArguments([])).toEqual({
      listen: { host: '127.0.0.1', port: 9092 },
      advertisedHost: null,
      dataDir: './penstock-data',
      allowUnauthenticated: false,
      settings: settledBroker({}),
      registry: null,
      access: null,
    })
  })

  it('takes address, directory and advertised name', () => {
    const args = ['--listen', '[::1]:19092', '--data', 'logs', '--advertise', 'log.example']
    expect(parseBrokerArguments(args)).toMatchObject({
      listen: { host: '::1', port: 19092 },
      advertisedHost: 'log.example',
      dataDir: 'logs',
    })
  })

  it("takes settings by Kafka's names, and refuses others and what is no number by name", () => {
    const args = ['--set', 'max.connections=7', '--set', 'connections.max.idle.ms=60000']
    expect(parseBrokerArguments(args)?.settings.config.connections).toEqual({
      ...defaultConnectionLimits,
      maxConnections: 7,
      maxIdleMs: 60_000,
    })
    const refused: [string, RegExp][] = [
      ['log.dirs=/data', /--set log.dirs is not a setting; these are: .*max.connections.per.ip/],
      ['log.retention.hour=1', /--set log.retention.hour is not a setting; did you mean log.retention.hours\?/],
      [
        'default.replication.factor=3',
        /default.replication.factor=3 can only be 1: The embedded broker keeps one copy/,
      ],
      ['auto.create.topics.enable=1', /auto.create.topics.enable=1 is neither true nor false/],
      ['log.cleaner.min.cleanable.ratio=1.5', /is not a number from 0 to 1/],
      ['group.min.session.timeout.ms=9999999', /group.min.session.timeout.ms is above group.max.session.timeout.ms/],
      ['constructor=1', /--set constructor is not a setting/],
      ['max.connections', /--set max.connections has no value: NAME=VALUE/],
      ['max.connections=0', /--set max.connections=0 is not a whole number from 1 to/],
      ['max.connections=1e3', /is not a whole number/],
    ]
    for (const [pair, why] of refused) expect(() => parseBrokerArguments(['--set', pair])).toThrow(why)
  })

  it('does not open the log to the network by accident, and names the way to do it on purpose', () => {
    for (const host of ['0.0.0.0', '[::]', '192.168.1.5', 'example.org']) {
      expect(() => parseBrokerArguments(['--listen', `${host}:9092`])).toThrow(/--allow-unauthenticated/)
      expect(parseBrokerArguments(['--listen', `${host}:9092`, '--allow-unauthenticated'])).not.toBeNull()
    }
  })

  it('serves a schema registry where it is told to, not to the network by accident', () => {
    expect(parseBrokerArguments(['--registry', '127.0.0.1:8081'])?.registry).toEqual({ host: '127.0.0.1', port: 8081 })
    expect(() => parseBrokerArguments(['--registry', '0.0.0.0:8081'])).toThrow(/0\.0\.0\.0 can be reached/)
    expect(parseBrokerArguments(['--registry', '0.0.0.0:8081', '--token-file', 't'])).not.toBeNull()
    expect(() => parseBrokerArguments(['--registry', '8081'])).toThrow(/--registry 8081 is not HOST:PORT/)
  })

  it('takes the file of a token, which is authentication enough for other machines', () => {
    const args = ['--listen', '0.0.0.0:9092', '--token-file', 't']
    expect(parseBrokerArguments(args)?.access).toEqual({ username: 'penstock', tokenFile: 't' })
    expect(parseBrokerArguments([...args, '--user', 'me'])?.access).toEqual({ username: 'me', tokenFile: 't' })
    expect(() => parseBrokerArguments(['--user', 'me'])).toThrow(/--user needs --token-file/)
    expect(() => parseBrokerArguments(['--token-file', ''])).toThrow(/--token-file names no file/)
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
