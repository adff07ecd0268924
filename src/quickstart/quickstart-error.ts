/** The quickstart cannot continue. The message says why and what to do. */
export class QuickstartError extends Error {
  override readonly name = 'QuickstartError'
}
