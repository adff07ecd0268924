/** An event of a stream as https://html.spec.whatwg.org/multipage/server-sent-events.html describes them. */
export interface StreamEvent {
  /** `message` unless the server names it. */
  readonly event: string
  readonly data: string
  /** Where to continue after it; null when the server does not say. */
  readonly id: string | null
}

/** The events in the bytes of a stream. An incomplete last event is left out, as the standard says. */
export async function* streamEvents(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    rest += decoder.decode(chunk, { stream: true })
    const blocks = rest.split(/\r?\n\r?\n/)
    rest = blocks.pop() ?? ''
    for (const block of blocks) {
      const event = eventOf(block)
      if (event !== null) yield event
    }
  }
}

/** Null for a block of comments, which keep the connection open. */
function eventOf(block: string): StreamEvent | null {
  const data: string[] = []
  let [event, id]: [string, string | null] = ['message', null]
  for (const line of block.split(/\r?\n/)) {
    const [, field = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? [line, line]
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id') id = value
  }
  return data.length === 0 ? null : { event, data: data.join('\n'), id }
}
