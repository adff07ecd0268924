import { describe, expect, it } from 'vitest'

import { connectorConfigDef } from '../../../src/config/connector/connector-config-def.ts'
import { checkConfig, parseConfig } from '../../../src/config/definition/parse-config.ts'
import { connectorRestarts, restartConfigDef, workerRestarts } from '../../../src/config/restart-settings.ts'

const ofWorker = (raw: Readonly<Record<string, string>> = {}) => workerRestarts(parseConfig(restartConfigDef, raw))

describe('the settings of automatic restarts', () => {
  it('of a worker have defaults', () => {
    expect(ofWorker()).toEqual({ enabled: true, maxAttempts: 100, backoff: { initialMs: 1000, maxMs: 300_000 } })
    expect(ofWorker({ 'errors.restart.max.attempts': '-1', 'errors.restart.enable': 'false' })).toMatchObject({
      enabled: false,
      maxAttempts: null,
    })
  })

  it('of a connector are those of its worker, unless it has its own', () => {
    const worker = ofWorker({ 'errors.restart.max.attempts': '7', 'errors.restart.max.delay.ms': '9000' })
    expect(connectorRestarts({}, worker)).toEqual(worker)
    const own = { 'errors.restart.enable': 'false', 'errors.restart.initial.delay.ms': '50' }
    expect(connectorRestarts({ ...own, 'errors.restart.max.attempts': '-1' }, worker)).toEqual({
      enabled: false,
      maxAttempts: null,
      backoff: { initialMs: 50, maxMs: 9000 },
    })
    expect(connectorRestarts({ 'errors.restart.max.attempts': '0' }, worker).maxAttempts).toBe(0)
  })

  it('that are not valid are rejected, and those that another worker has written do not count', () => {
    const wrong = {
      'errors.restart.enable': 'maybe',
      'errors.restart.max.attempts': '-2',
      'errors.restart.initial.delay.ms': '0',
      'errors.restart.max.delay.ms': 'x',
    }
    const keys = checkConfig(connectorConfigDef, { ...wrong, name: 'a', 'connector.class': 'b' }).problems
    expect(keys.map(({ key }) => key)).toEqual(Object.keys(wrong))
    expect(connectorRestarts(wrong, ofWorker())).toEqual(ofWorker())
  })
})
