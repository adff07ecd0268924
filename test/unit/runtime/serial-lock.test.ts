import { expect, it } from 'vitest'
import { deferred } from '../../../src/foundation/async/deferred.ts'
import { SerialLock } from '../../../src/runtime/serial-lock.ts'

it('runs one action at a time, in the order in which they were asked for', async () => {
  const lock = new SerialLock()
  const gate = deferred<void>()
  const steps: string[] = []
  const action = (name: string, until?: Promise<void>) => async () => {
    steps.push(`${name} begins`)
    await until
    steps.push(`${name} ends`)
    return name
  }
  const results = [lock.run(action('a', gate.promise)), lock.run(action('b')), lock.run(action('c'))]
  await new Promise((resolve) => setImmediate(resolve))
  expect(steps).toEqual(['a begins'])
  gate.resolve()
  expect(await Promise.all(results)).toEqual(['a', 'b', 'c'])
  expect(steps).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
})

it('runs the next action after one that failed, and gives the failure to the one who asked for it alone', async () => {
  const lock = new SerialLock()
  const failed = lock.run(async () => Promise.reject(new RangeError('no')))
  const next = lock.run(async () => 'done')
  await expect(failed).rejects.toThrow('no')
  expect(await next).toBe('done')
})
