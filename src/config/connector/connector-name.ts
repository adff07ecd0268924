/**
 * The maximum length of a connector's name in bytes of UTF-8. The name is a part of URLs (percent-encoded, three characters
 * per byte; proxies and servers accept 8 kB), of the `Location` header, of the id of a sink's consumer group, of the
 * messages between workers (16-bit lengths) and of the labels of metrics.
 */
export const maxConnectorNameBytes = 512

/** Returns why a connector in the config topic cannot run under its name; null if it can. */
export function unusableName(name: string): string | null {
  const bytes = Buffer.byteLength(name)
  if (bytes === 0) return 'its name is empty'
  return bytes > maxConnectorNameBytes
    ? `its name has ${bytes} bytes, and at most ${maxConnectorNameBytes} can be used`
    : null
}

/** Returns the problem of a new connector's name; null if it is valid. */
export function nameProblem(name: string): string | null {
  const bytes = Buffer.byteLength(name)
  return bytes > maxConnectorNameBytes
    ? `String may have at most ${maxConnectorNameBytes} bytes in UTF-8, but has ${bytes}`
    : null
}
