import { freePorts } from '../../../src/servers/process/port.ts'

/** Free addresses for the worker of a guide. */
export interface WorkerAddresses {
  /** `http://host:port` */
  readonly rest: string
  /** `host:port` */
  readonly broker: string
  /** What stands in a guide, and what a test run has in its place. */
  readonly written: Readonly<Record<string, string>>
}

/** Chooses free ports for a worker that is started by `program`. */
export async function workerAddresses(program = 'bin/penstock.js'): Promise<WorkerAddresses> {
  const [rest = '', broker = ''] = (await freePorts([null, null])).map((port) => `127.0.0.1:${port}`)
  const listen = `--set listeners=http://${rest} --set embedded.broker.listener=${broker}`
  return {
    rest: `http://${rest}`,
    broker,
    written: {
      'http://127.0.0.1:8083': `http://${rest}`,
      '127.0.0.1:8083': rest,
      '127.0.0.1:9092': broker,
      'bin/penstock.js worker': `${program} worker ${listen}`,
    },
  }
}
