import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { recordingName } from './recording-name.ts'

interface Range {
  readonly startOffset: number
  readonly endOffset: number
  readonly count: number
}
interface Recording {
  readonly test: string
  readonly durationMs: number
  readonly scripts: readonly {
    readonly path: string
    readonly functions: readonly { readonly ranges: readonly Range[] }[]
  }[]
}

/** A test file, as far as the choice of tests for a mutation goes. */
interface Recorded {
  readonly test: string
  readonly durationMs: number
  /** Which offsets of each file it runs: 1 where it does. */
  readonly files: ReadonlyMap<string, Uint8Array>
}

/** Which tests run which code, as {@link file://./coverage-recorder.ts} wrote it. */
export class CoverageMap {
  readonly #recorded: readonly Recorded[]

  /** @param isWanted the files of which the coverage is kept. */
  constructor(directory: string, tests: readonly string[], isWanted: (path: string) => boolean) {
    this.#recorded = tests
      .map((test) => join(directory, recordingName(test)))
      .filter((path) => existsSync(path))
      .map((path) => read(path, isWanted))
  }

  /**
   * The test files that run the code at an offset: those that load little else first, as they are the likeliest to test it.
   * Code that a test starts in a thread of its own does not count.
   */
  testsAt(path: string, offset: number): readonly { readonly test: string; readonly durationMs: number }[] {
    return this.#recorded
      .filter(({ files }) => files.get(path)?.[offset] === 1)
      .toSorted((a, b) => costOf(a) - costOf(b))
  }
}

/** Fast tests that load few files come first. */
function costOf({ files, durationMs }: Recorded): number {
  return files.size * 20 + durationMs
}

function read(path: string, isWanted: (path: string) => boolean): Recorded {
  const { test, durationMs, scripts } = JSON.parse(readFileSync(path, 'utf8')) as Recording
  const wanted = scripts.filter((script) => isWanted(script.path))
  return { test, durationMs, files: new Map(wanted.map((script) => [script.path, paint(script.functions)])) }
}

/** V8 lists outer functions and blocks before those inside them: what is painted last holds. */
function paint(functions: readonly { readonly ranges: readonly Range[] }[]): Uint8Array {
  const length = Math.max(0, ...functions.flatMap(({ ranges }) => ranges.map(({ endOffset }) => endOffset)))
  const covered = new Uint8Array(length)
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count } of ranges) covered.fill(count > 0 ? 1 : 0, startOffset, endOffset)
  }
  return covered
}
