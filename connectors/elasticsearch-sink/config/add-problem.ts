/** Adds the problem of some keys. */
export type AddProblem = (keys: readonly string[], message: string) => void
