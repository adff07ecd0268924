import { until } from '../until.ts'
import { collectGarbage } from './reachable-bytes.ts'

/** Waits until at most so many of these objects are left after a collection, and returns how many are. */
export async function keptObjects(objects: readonly WeakRef<object>[], most: number): Promise<number> {
  let left = objects.length
  await until(
    () => `${left} of ${objects.length} objects are left, at most ${most} are wanted`,
    () => {
      collectGarbage()
      left = objects.filter((reference) => reference.deref() !== undefined).length
      return left <= most
    },
  )
  return left
}
