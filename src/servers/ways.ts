import { errorMessage } from '../foundation/error-message.ts'
import { ServerMissingError, type FailedWay } from './server-error.ts'

/** Returns the result of the first way that succeeds. @throws ServerMissingError with the reason of each if none does. */
export async function firstWay<T>(
  title: string,
  advice: string,
  ways: readonly (readonly [string, () => Promise<T>])[],
): Promise<T> {
  const failed: FailedWay[] = []
  for (const [way, attempt] of ways) {
    try {
      return await attempt()
    } catch (error) {
      failed.push({ way, reason: errorMessage(error) })
    }
  }
  throw new ServerMissingError(title, failed, advice)
}
