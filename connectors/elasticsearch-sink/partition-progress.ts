/** A record under way in one partition; `done` once it needs nothing more. */
export interface Mark {
  readonly offset: number
  done: boolean
}

/** What may be committed of one partition: everything before the first record that is not done (I2). */
export class PartitionProgress {
  #marks: Mark[] = []
  #head = 0
  #committable: number | null = null

  /** The offset to commit; null until a record is done. */
  get committable(): number | null {
    return this.#committable
  }

  /** Records under way, and done ones behind them. */
  get pending(): number {
    return this.#marks.length - this.#head
  }

  /** Takes a record in; offsets rise. */
  begin(offset: number): Mark {
    const mark = { offset, done: false }
    this.#marks.push(mark)
    return mark
  }

  /** A record that needs nothing: done at once, in its place. */
  skip(offset: number): void {
    this.#marks.push({ offset, done: true })
    this.advance()
  }

  /** Moves over all that is done; call it after marks were set. */
  advance(): void {
    let mark = this.#marks[this.#head]
    while (mark?.done === true) {
      this.#committable = mark.offset + 1
      this.#head += 1
      mark = this.#marks[this.#head]
    }
    if (this.#head > 1024 && this.#head * 2 > this.#marks.length) {
      this.#marks = this.#marks.slice(this.#head)
      this.#head = 0
    }
  }
}
