import { execFileSync } from 'node:child_process'
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'vitest'

/** The file systems that a test may fill. */
export type SmallDiskKind = 'tmpfs' | 'ext4'

/** A file system of its own, small enough to be filled. */
export class SmallDisk {
  /** Where it is mounted. */
  readonly path: string
  readonly #home: string

  private constructor(home: string, path: string) {
    this.#home = home
    this.path = path
  }

  /** Mounts one. Skips the test, by name, where this user or this system may not. */
  static mount(kind: SmallDiskKind, mebibytes: number, { skip }: TestContext): SmallDisk {
    const home = mkdtempSync(join(tmpdir(), 'penstock-disk-'))
    const path = join(home, 'mount')
    mkdirSync(path)
    try {
      if (kind === 'tmpfs') run('mount', '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', path)
      else {
        const image = join(home, 'image')
        const file = openSync(image, 'w')
        ftruncateSync(file, mebibytes * 1024 * 1024)
        closeSync(file)
        run('mkfs.ext4', '-q', '-F', '-m', '0', image)
        run('mount', '-o', 'loop', image, path)
      }
    } catch (error) {
      rmSync(home, { recursive: true, force: true })
      skip(`a ${kind} of ${mebibytes} MiB cannot be mounted here: ${String(error).split('\n')[0] ?? ''}`)
      throw error
    }
    return new SmallDisk(home, path)
  }

  /** Blocks that nothing uses. */
  get freeBlocks(): number {
    return statfsSync(this.path).bavail
  }

  /** Fills it to the last block, with files under `filler`. */
  fill(): void {
    mkdirSync(join(this.path, 'filler'), { recursive: true })
    const file = openSync(join(this.path, 'filler', `${Date.now()}-${Math.random()}`), 'w')
    try {
      for (let size = 1024 * 1024; size >= 512;) {
        try {
          writeSync(file, Buffer.alloc(size, 1))
          if (this.freeBlocks === 0) execFileSync('sync', ['-f', this.path])
        } catch (error) {
          if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
          size /= 2
        }
      }
    } finally {
      closeSync(file)
    }
    execFileSync('sync', ['-f', this.path])
    this.#fillInodes()
  }

  /** Gives the room of `fill` back. */
  free(): void {
    rmSync(join(this.path, 'filler'), { recursive: true, force: true })
    execFileSync('sync', ['-f', this.path])
  }

  unmount(): void {
    run('umount', '-l', this.path)
    rmSync(this.#home, { recursive: true, force: true })
  }

  /** What single small files may still take. */
  #fillInodes(): void {
    for (let i = 0; this.freeBlocks > 0 && i < 10_000; i += 1) {
      try {
        writeFileSync(join(this.path, 'filler', `small-${Date.now()}-${i}`), Buffer.alloc(4096, 1))
      } catch {
        return
      }
    }
  }
}

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
