/**
 * Bytes of UTF-8 that the name of a connector may have. The name stands in URLs (percent-encoded, three characters a
 * byte, where proxies and servers take 8 kB), in the `Location` header, in the id of a sink's consumer group, in the
 * bytes that workers exchange (16-bit lengths) and in the labels of metrics.
 */
export const maxConnectorNameBytes = 512

/** Why a connector of the config topic cannot run under its name; null when it can. */
export function unusableName(name: string): string | null {
  const bytes = Buffer.byteLength(name)
  if (bytes === 0) return 'its name is empty'
  return bytes > maxConnectorNameBytes
    ? `its name has ${bytes} bytes, and at most ${maxConnectorNameBytes} can be used`
    : null
}

/** What is wrong with the name of a connector that is to be created; null when nothing is. */
export function nameProblem(name: string): string | null {
  const bytes = Buffer.byteLength(name)
  return bytes > maxConnectorNameBytes
    ? `String may have at most ${maxConnectorNameBytes} bytes in UTF-8, but has ${bytes}`
    : null
}
