import { parentPort } from 'node:worker_threads'

import { present } from '../../src/foundation/assert.ts'
import { run } from './run.ts'

/* Runs one seed after another in a thread in which nothing else runs: see `seedProcess`. */

const port = present(parentPort, 'the thread that has started this one')
port.on('message', (seed: number) => {
  void run(seed).then((outcome) => port.postMessage(outcome))
})
