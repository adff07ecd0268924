/**
 * The text that Java's `Double.toString` gives (JDK 19 and later, shortest digits): `100.0`, `1.0E10`, `1.5E-5`,
 * `NaN`, `-Infinity`.
 */
export function javaDoubleText(value: number): string {
  const magnitude = Math.abs(value)
  if (magnitude >= 1e-3 && magnitude < 1e7) return withFraction(String(value))
  if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0'
  if (!Number.isFinite(value)) return String(value)
  const shortest = value.toExponential()
  // Java prints two digits at least, the two nearest to the value: 4.9E-324 where JavaScript says 5e-324.
  const [mantissa = '', exponent = ''] = (shortest.includes('.') ? shortest : value.toExponential(1)).split('e')
  return `${mantissa}E${exponent.replace('+', '')}`
}

/**
 * The text that Java's `Float.toString` gives. Takes the float's exact value as well as the nearest double of its
 * shortest digits (0.1): both print `0.1`.
 */
export function javaFloatText(value: number): string {
  // Up to 6 digits a decimal survives the way through a float, so that these digits are the shortest ones.
  if (!Number.isFinite(value) || String(value).length <= 7) return javaDoubleText(value)
  const single = Math.fround(value)
  const magnitude = Math.abs(single)
  for (let digits = magnitude < smallestNormal ? 2 : 6; digits < 9; digits += 1) {
    const candidate = Number(single.toPrecision(digits))
    if (Math.fround(candidate) === single) return javaDoubleText(candidate)
  }
  return javaDoubleText(Number(single.toPrecision(9)))
}

/** Smaller floats have fewer digits. */
const smallestNormal = 2 ** -126

function withFraction(digits: string): string {
  return digits.includes('.') ? digits : `${digits}.0`
}
