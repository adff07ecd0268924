/** An event of a stream (Server-Sent Events). */
export interface ServerEvent {
  /** `message` unless it says otherwise. */
  readonly event: string
  readonly id: string | null
  readonly data: string
}

/** The events of a response as they come. Comments are counted. */
export class EventStream {
  readonly events: ServerEvent[] = []
  readonly status: number
  comments = 0
  isOver = false
  readonly #cancel: () => void

  private constructor(response: Response, cancel: () => void) {
    this.status = response.status
    this.#cancel = cancel
    void this.#read(response)
  }

  static async open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventStream> {
    const controller = new AbortController()
    const { signal } = controller
    const response = await fetch(url, { headers: { accept: 'text/event-stream', ...headers }, signal })
    return new EventStream(response, () => controller.abort())
  }

  /** The client goes. */
  close(): void {
    this.#cancel()
  }

  async #read(response: Response): Promise<void> {
    let text = ''
    const decoder = new TextDecoder()
    try {
      for await (const part of response.body ?? []) {
        text += decoder.decode(part as Uint8Array, { stream: true })
        const blocks = text.split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) this.#take(block)
      }
    } catch {
      // It was closed.
    }
    this.isOver = true
  }

  #take(block: string): void {
    if (block.startsWith(':')) {
      this.comments += 1
      return
    }
    const field = (name: string): string | null =>
      block
        .split('\n')
        .find((line) => line.startsWith(`${name}: `))
        ?.slice(name.length + 2) ?? null
    this.events.push({ event: field('event') ?? 'message', id: field('id'), data: field('data') ?? '' })
  }
}
