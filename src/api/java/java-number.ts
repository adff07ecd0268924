/**
 * Returns the text of Java's `Double.toString` (JDK 19 and later, shortest digits): `100.0`, `1.0E10`, `1.5E-5`,
 * `NaN`, `-Infinity`.
 */
export function javaDoubleText(value: number): string {
  const magnitude = Math.abs(value)
  if (magnitude >= 1e-3 && magnitude < 1e7) return withFraction(String(value))
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  if (!Number.isFinite(value)) return String(value)
  const shortest = value.toExponential()
  // Java prints at least two digits, the two closest to the value: 4.9E-324 where JavaScript prints 5e-324.
  const [mantissa = '', exponent = ''] = (shortest.includes('.') ? shortest : value.toExponential(1)).split('e')
  return `${mantissa}E${exponent.replace('+', '')}`
}

/**
 * Returns the text of Java's `Float.toString`. Accepts the float's exact value as well as the double of its shortest digits:
 * both give `0.1`.
 */
export function javaFloatText(value: number): string {
  // A decimal of up to 6 digits survives conversion to float and back, so its digits are the shortest ones.
  if (!Number.isFinite(value) || String(value).length <= 7) return javaDoubleText(value)
  const single = Math.fround(value)
  const magnitude = Math.abs(single)
  for (let digits = magnitude < smallestNormal ? 2 : 6; digits < 9; digits += 1) {
    const candidate = Number(single.toPrecision(digits))
    if (Math.fround(candidate) === single) return javaDoubleText(candidate)
  }
  return javaDoubleText(Number(single.toPrecision(9)))
}

/** The smallest normal float: smaller ones have fewer significant digits. */
const smallestNormal = 2 ** -126

function withFraction(digits: string): string {
  return digits.includes('.') ? digits : `${digits}.0`
}
