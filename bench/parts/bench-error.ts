/** A measurement cannot be made. */
export class BenchError extends Error {
  override readonly name = 'BenchError'
}
