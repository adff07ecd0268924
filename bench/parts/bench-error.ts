/** A measurement is not possible. */
export class BenchError extends Error {
  override readonly name = 'BenchError'
}
