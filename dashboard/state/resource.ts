import { useEffect, useState } from 'preact/hooks'
import { call } from './api.ts'
import { poll } from './poll.ts'
import { messageOf } from './store.ts'

/** What a request has returned last. */
export interface Resource<T> {
  /** Null until the first response. */
  readonly data: T | null
  /** Why the last request failed; null: it did not. */
  readonly error: string | null
  readonly reload: () => void
}

interface Loaded<T> {
  readonly path: string
  readonly data: T | null
  readonly error: string | null
}

/** Reads a path now, and every `intervalMs` (never: null) while the page is visible. */
export function useResource<T>(path: string, intervalMs: number | null = null): Resource<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ path, data: null, error: null })
  const [turn, setTurn] = useState(0)
  useEffect(() => {
    const read = async (signal: AbortSignal): Promise<void> => {
      try {
        const data = await call<T>('GET', path, { signal })
        setLoaded({ path, data, error: null })
      } catch (error) {
        if (signal.aborted) return
        setLoaded((before) => ({ path, data: before.path === path ? before.data : null, error: messageOf(error) }))
      }
    }
    if (intervalMs !== null) return poll(read, intervalMs).stop
    const controller = new AbortController()
    void read(controller.signal)
    return () => controller.abort()
  }, [path, intervalMs, turn])
  const isCurrent = loaded.path === path
  return {
    data: isCurrent ? loaded.data : null,
    error: isCurrent ? loaded.error : null,
    reload: () => setTurn((before) => before + 1),
  }
}
