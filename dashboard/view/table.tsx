import type { ComponentChildren } from 'preact'

import { useEffect, useRef, useState } from 'preact/hooks'

interface TableProps {
  /** In addition to `table`. */
  readonly kind?: string
  readonly children: ComponentChildren
}

/** The frame of a table: one that is wider than the window scrolls, and then takes the focus, so that keys can scroll it. */
export function Table({ kind = '', children }: TableProps) {
  const frame = useRef<HTMLDivElement>(null)
  const [isWide, setWide] = useState(false)
  useEffect(() => {
    const element = frame.current
    if (element === null) return undefined
    const observer = new ResizeObserver(() => setWide(element.scrollWidth > element.clientWidth))
    for (const observed of [element, ...element.children]) observer.observe(observed)
    return () => observer.disconnect()
  }, [])
  return (
    <div class={kind === '' ? 'table' : `table ${kind}`} ref={frame} {...(isWide ? { tabIndex: 0 } : {})}>
      {children}
    </div>
  )
}
