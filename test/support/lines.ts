const lineFeed = 0x0a

/**
 * The lines of a stream, without their line feeds. A line may be a view into all that was read with it: copy what you keep.
 * @throws RangeError when the last line has no line feed: the stream was cut
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let begun: Buffer[] = []
  for await (const { buffer, byteOffset, length } of stream) {
    const bytes = Buffer.from(buffer, byteOffset, length)
    let start = 0
    for (let end = bytes.indexOf(lineFeed); end !== -1; end = bytes.indexOf(lineFeed, start)) {
      const rest = bytes.subarray(start, end)
      yield begun.length === 0 ? rest : Buffer.concat([...begun, rest])
      begun = []
      start = end + 1
    }
    if (start < length) begun.push(bytes.subarray(start))
  }
  if (begun.length > 0)
    throw new RangeError(`the last line has no line feed: ${Buffer.concat(begun).toString().slice(0, 300)}`)
}
