import { readWholeFile, replaceFile, type FileSystem } from './file-system.ts'
import { fileName, segmentSuffixes, suffixes } from './segment-files.ts'

/*
 * How the output of a compaction takes the place of the segments it was made from, so that a crash at any step leaves either
 * the old segments or the new one:
 *
 *   1. <base>.log.cleaned and its indexes are written and synced       crash: removed at the next start
 *   2. compaction-swap is written: the new base, and those it replaces   the decision
 *   3. old segments are removed, the new one loses its suffix          crash: done again, every step may be done twice
 *   4. compaction-swap is removed
 */
const planName = 'compaction-swap'

/** Steps 2 to 4 for the segment `base`, whose `.cleaned` files, one of every kind, are durable, names included. */
export async function swapIn(
  fs: FileSystem,
  directory: string,
  base: number,
  replaced: readonly number[],
): Promise<void> {
  const plan = [base, ...replaced].join('\n')
  await replaceFile(fs, directory, planName, Buffer.from(`version 0\n${plan}\n`, 'utf8'))
  await carryOut(fs, directory, base, replaced)
}

/** At start: finishes what was decided, removes what was not. */
export async function finishCompaction(fs: FileSystem, directory: string): Promise<void> {
  const path = `${directory}/${planName}`
  if (fs.exists(path)) {
    const [version, ...lines] = readWholeFile(fs, path).toString('utf8').trimEnd().split('\n')
    const [base, ...replaced] = lines.map(Number)
    if (version === 'version 0' && base !== undefined) await carryOut(fs, directory, base, replaced)
  }
  for (const name of fs.list(directory)) {
    if (name.endsWith(suffixes.cleaned)) fs.remove(`${directory}/${name}`)
  }
}

async function carryOut(fs: FileSystem, directory: string, base: number, replaced: readonly number[]): Promise<void> {
  const remove = (path: string): void => {
    if (fs.exists(path)) fs.remove(path)
  }
  for (const kind of segmentSuffixes.toReversed()) {
    for (const old of replaced) if (old !== base) remove(`${directory}/${fileName(old, kind)}`)
    const final = `${directory}/${fileName(base, kind)}`
    if (fs.exists(`${final}${suffixes.cleaned}`)) fs.rename(`${final}${suffixes.cleaned}`, final)
  }
  await fs.syncDirectory(directory)
  remove(`${directory}/${planName}`)
  await fs.syncDirectory(directory)
}
