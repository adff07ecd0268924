/** How long one test of `npm run soak` works: SOAK_MINUTES, 5 unless set. */
export const soakMs = Number(process.env['SOAK_MINUTES'] ?? 5) * 60_000

/** The seed of a random test: SEED, or a new one. Every failure has to print it. */
export function chosenSeed(): number {
  return Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
}
