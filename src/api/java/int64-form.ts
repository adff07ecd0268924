/** Returns an integer in the form that an INT64, a long in Java, has here: a number if it is safe, otherwise a bigint. */
export function int64Form(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
