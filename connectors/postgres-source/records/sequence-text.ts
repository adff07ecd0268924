/** Builds Debezium's `source.sequence`: the end of the last commit, and the LSN of the change. */
export class SequenceText {
  #start: string
  /** Everything before the last six digits of the LSN: formatting large numbers is slow, and most changes share it. */
  #head = ''
  #millions = 0

  /** @param lastCommit null before the first commit */
  constructor(lastCommit: number | null) {
    this.#start = startText(lastCommit)
  }

  onCommit(endLsn: number): void {
    this.#start = startText(endLsn)
    this.#millions = 0
  }

  at(lsn: number): string {
    const millions = Math.floor(lsn / million)
    if (millions === 0) return `${this.#start}${lsn}"]`
    if (millions !== this.#millions) {
      this.#millions = millions
      this.#head = this.#start + millions
    }
    return `${this.#head}${String(lsn - millions * million).padStart(6, '0')}"]`
  }
}

const million = 1_000_000

function startText(lastCommit: number | null): string {
  return lastCommit === null ? '[null,"' : `["${lastCommit}","`
}
