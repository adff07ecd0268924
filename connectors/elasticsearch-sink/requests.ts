import { backoffMs, ConnectError, RetriableError, type Clock, type Logger } from 'penstock/api'
import type { SinkSettings } from './settings.ts'
import type { Answer, Request, Transport } from './transport.ts'

const maxBackoffMs = 10_000
/** A request that fails so often is told. */
const quietAttempts = 3

/** Whether a status says that another attempt may succeed. Every 5xx does: what it names differs between versions. */
export function isPassing(status: number): boolean {
  return status >= 500 || status === 429 || status === 408
}

/** Waits between attempts while the cluster is not available. */
export interface Retries {
  /** Waits; @throws ConnectError when `max.retries` is used up, the signal's reason when it fires. */
  wait(attempt: number, reason: string, signal: AbortSignal): Promise<void>
  /** A request got through at that attempt. */
  over(attempt: number): void
}

/** The retry rule of the settings: indefinitely, with jitter, unless `max.retries` sets an end. */
export function retriesOf(
  settings: Pick<SinkSettings, 'maxRetries' | 'retryBackoffMs'>,
  clock: Clock,
  logger: Logger,
  onRetry: () => void,
  show: (reason: string | null) => void = () => undefined,
): Retries {
  return {
    async wait(attempt, reason, signal) {
      if (settings.maxRetries >= 0 && attempt > settings.maxRetries) {
        throw new ConnectError(
          `Elasticsearch was not available in ${attempt} attempts (max.retries=${settings.maxRetries}): ${reason}. With max.retries=-1 the task waits until it is`,
          { code: 'ES_UNAVAILABLE' },
        )
      }
      onRetry()
      const waitMs = backoffMs({ initialMs: settings.retryBackoffMs, maxMs: maxBackoffMs }, attempt)
      const text = `Elasticsearch is not available, attempt ${attempt}; trying again: ${reason}`
      if (attempt >= quietAttempts) show(`Elasticsearch is not available, and is tried again: ${reason}`)
      if (attempt === quietAttempts || attempt % 20 === 0) logger.warn(text)
      else logger.debug(text)
      await clock.sleep(waitMs, signal)
    },
    over(attempt) {
      if (attempt <= quietAttempts) return
      logger.warn('Elasticsearch is available again')
      show(null)
    },
  }
}

/** Sends until a whole answer comes that is not one of an unavailable cluster. */
export async function requestPatiently(transport: Transport, request: Request, retries: Retries): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    let reason: string
    try {
      const answer = await transport.request(request)
      const isWhole = answer.status >= 300 || answer.body === '' || isJson(answer.body)
      if (isWhole && !isPassing(answer.status)) {
        retries.over(attempt)
        return answer
      }
      reason = isWhole
        ? `HTTP ${answer.status}: ${answer.body.slice(0, 300)}`
        : `the answer to ${request.method} ${request.path} is cut or no JSON: ${answer.body.slice(0, 200)}`
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error
      reason = error.message
    }
    await retries.wait(attempt, reason, request.signal)
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

/** The error of an answer that says no: with what was asked, and what to do where that is known. */
export function refusal(what: string, answer: Answer): ConnectError {
  const advice =
    answer.status === 401
      ? '. Check connection.username and connection.password, or connection.api.key'
      : answer.status === 403
        ? '. Grant the user the privileges create_index, view_index_metadata, read and write on the indices'
        : ''
  return new ConnectError(`${what}: HTTP ${answer.status} ${answer.body.slice(0, 1000)}${advice}`, {
    code: answer.status === 401 || answer.status === 403 ? 'ES_DENIED' : 'ES_REFUSED',
  })
}
