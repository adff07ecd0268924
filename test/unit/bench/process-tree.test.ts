import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { treeUsage } from '../../../bench/parts/process-tree.ts'

describe.skipIf(!existsSync('/proc/self/stat'))('with /proc', () => {
  test('a process and its descendants are counted together', async () => {
    // The child says so once its own child runs; both end when their input does.
    const leaf = 'process.stdin.resume(); process.stdout.write("up")'
    const program = `const { spawn } = require('node:child_process')
    const leaf = spawn(process.execPath, ['-e', ${JSON.stringify(leaf)}], { stdio: ['pipe', 'pipe', 'ignore'] })
    leaf.stdout.once('data', () => process.stdout.write(String(leaf.pid)))
    process.stdin.resume().once('end', () => leaf.stdin.end())`
    const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
    const ended = once(child, 'exit')
    try {
      const [text] = (await once(child.stdout, 'data')) as [Buffer]
      const tree = treeUsage(child.pid ?? -1)
      const below = treeUsage(Number(text.toString()))
      expect(below.rssBytes).toBeGreaterThan(10_000_000)
      expect(tree.rssBytes).toBeGreaterThan(1.5 * below.rssBytes)
      expect(tree.cpuSeconds).toBeGreaterThan(below.cpuSeconds)
      expect(tree.peakRssBytes).toBeLessThan(tree.rssBytes)
    } finally {
      child.stdin.end()
      await ended
    }
  })

  test('a process that has ended counts as nothing', () => {
    expect(treeUsage(2 ** 30)).toEqual({ cpuSeconds: 0, rssBytes: 0, peakRssBytes: 0 })
  })
})
