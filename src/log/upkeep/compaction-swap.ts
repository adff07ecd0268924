import type { Logger } from '../../foundation/logging/logger.ts'
import { verifiedText, withChecksum } from '../recovery/checked-text.ts'
import { readWholeFile, replaceFile, type FileSystem } from '../disk/file-system.ts'
import { fileName, segmentSuffixes, suffixes } from '../segment/segment-files.ts'

/*
 * Replaces segments with the output of their compaction, so that a crash at any step leaves either the old segments or the new
 * one (I9):
 *
 *   1. <base>.log.cleaned and its indexes are written and synced       crash: removed at the next start
 *   2. compaction-swap is written: the new base, and those it replaces   the commit point
 *   3. old segments are removed, the new one loses its suffix          crash: repeated at the next start; every step is idempotent
 *   4. compaction-swap is removed
 */
const planName = 'compaction-swap'

/**
 * Steps 2 to 4 for the segment `base`, whose `.cleaned` files, one of every kind, are durable, names included. After a failure
 * it may be called again, unless `isDecided` returns false.
 */
export async function swapIn(
  fs: FileSystem,
  directory: string,
  base: number,
  replaced: readonly number[],
): Promise<void> {
  const plan = [base, ...replaced].join('\n')
  await replaceFile(fs, directory, planName, withChecksum(`version 0\n${plan}\n`))
  await carryOut(fs, directory, base, replaced)
}

/** Returns, after a failure of `swapIn`, whether the next start may complete it. Undoes it when nothing else was changed yet. */
export function isDecided(fs: FileSystem, directory: string, base: number): boolean {
  const path = `${directory}/${planName}`
  const isBegun = segmentSuffixes.some((kind) => !fs.exists(`${directory}/${fileName(base, kind)}${suffixes.cleaned}`))
  if (isBegun || !fs.exists(path)) return isBegun
  try {
    fs.remove(path)
    return false
  } catch {
    return true
  }
}

/** At start: finishes what was decided, removes what was not. */
export async function finishCompaction(fs: FileSystem, directory: string, logger: Logger): Promise<void> {
  const path = `${directory}/${planName}`
  if (fs.exists(path)) {
    const [version, ...lines] = (verifiedText(readWholeFile(fs, path))?.text ?? '').trimEnd().split('\n')
    const [base, ...replaced] = lines.map(Number)
    if (version === 'version 0' && base !== undefined) await carryOut(fs, directory, base, replaced)
    else {
      logger.error('the plan of a compaction is damaged; the segments stay as they are', { path })
      fs.remove(path)
    }
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
