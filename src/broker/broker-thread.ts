import { parentPort, workerData } from 'node:worker_threads'
import { present } from '../foundation/assert.ts'
import { systemClock } from '../foundation/clock.ts'
import { NamedLogger } from '../foundation/logging/named-logger.ts'
import { Broker } from './broker.ts'
import type { BrokerThreadData, FromBrokerThread, ToBrokerThread } from './broker-thread-messages.ts'

/*
 * The embedded broker in a thread. An unexpected error ends the thread; the process that owns it then logs the reason and exits
 * (docs/decisions/0013).
 */

const port = present(parentPort, 'the port of the thread that starts the broker')
const { loggerName, ...options } = workerData as BrokerThreadData

function send(message: FromBrokerThread): void {
  port.postMessage(message)
}

const logger = new NamedLogger(loggerName, {
  write: (level, name, message, fields) => send({ type: 'log', level, name, message, fields }),
})

try {
  const broker = await Broker.start({
    ...options,
    clock: systemClock,
    logger,
    onCondition: (code, message) => send({ type: 'condition', code, message }),
  })
  port.on('message', (message: ToBrokerThread) => {
    if (message.type === 'stop') void stop(broker)
    else send({ type: 'samples', samples: broker.samples() })
  })
  send({ type: 'started', address: broker.address, ownPath: broker.ownPath })
} catch (error) {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) }
  send({ type: 'refused', name, message })
  port.close()
}

async function stop(broker: Broker): Promise<void> {
  await broker.close()
  send({ type: 'stopped' })
  port.close()
}
