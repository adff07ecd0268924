import { ConnectError, errorMessage, RetriableError, withDeadline } from 'penstock/api'

const requestMs = 60_000

/**
 * Sends a request and returns the text of the response.
 * @param {import('penstock/api').Clock} clock
 * @param {string} url
 * @param {RequestInit} options
 * @param {AbortSignal} signal
 * @returns {Promise<string>}
 * @throws RetriableError if there is no response, or one of a server that is busy; ConnectError if the request is refused
 */
export async function request(clock, url, options, signal) {
  const { status, ok, text } = await withDeadline({ clock, ms: requestMs, signal }, async (bound) => {
    const response = await fetch(url, { ...options, signal: bound })
    return { status: response.status, ok: response.ok, text: await response.text() }
  }).catch((error) => {
    if (signal.aborted) throw signal.reason
    throw new RetriableError(`${url} cannot be reached: ${errorMessage(error)}`, { code: 'EXAMPLE_AWAY', cause: error })
  })
  if (status === 429 || status >= 500)
    throw new RetriableError(`${url} responded with ${status}`, { code: 'EXAMPLE_BUSY' })
  if (!ok) throw new ConnectError(`${url} refused the request with ${status}: ${text}`, { code: 'EXAMPLE_REFUSED' })
  return text
}
