import { describe, expect, it } from 'vitest'

import { parseBrokerArguments } from '../../../../src/cli/broker-command.ts'
import { parseOptions } from '../../../../src/quickstart/options.ts'
import { parseWorkerArguments } from '../../../../src/cli/worker-command.ts'

const parsers = {
  worker: parseWorkerArguments,
  broker: parseBrokerArguments,
  quickstart: (args: readonly string[]) => parseOptions(args, {}),
}

describe.each(Object.entries(parsers))('a wrong command line of penstock %s', (command, parse) => {
  it('is rejected with the option and a pointer to all options', () => {
    expect(() => parse(['--port', '3'])).toThrow(
      new RegExp(`^${command} has no option "--port".*All options: penstock ${command} --help$`),
    )
    expect(() => parse(['-p'])).toThrow(`${command} has no option "-p"`)
    expect(() => parse(['--constructor'])).toThrow(`${command} has no option "--constructor"`)
    expect(() => parse(['--help=yes'])).toThrow('--help takes no value, not "yes"')
  })
})

describe('a wrong command line', () => {
  it('names the option that was probably meant', () => {
    expect(() => parseWorkerArguments(['--log-levl', 'info'])).toThrow('"--log-levl"; did you mean "--log-level"?')
    expect(() => parseBrokerArguments(['--lisen', 'a:1'])).toThrow('did you mean "--listen"?')
    expect(() => parseOptions(['--onse'], {})).toThrow('did you mean "--once"?')
  })

  it('explains how to set options of the worker', () => {
    expect(() => parseWorkerArguments(['--port', '3'])).toThrow('--set listeners=http://127.0.0.1:8083')
  })

  it('names a missing value and an unexpected argument', () => {
    expect(() => parseWorkerArguments(['--set'])).toThrow('--set needs a value')
    expect(() => parseBrokerArguments(['--data', '--listen', 'a:1'])).toThrow('--data needs a value')
    expect(() => parseBrokerArguments(['extra'])).toThrow('broker takes no argument "extra"')
  })
})
