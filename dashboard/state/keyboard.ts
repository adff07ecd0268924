import { signal } from '@preact/signals'

import { hashOf, pages, type Page } from '../model/route.ts'

/** Whether the list of keys is shown. */
export const isHelpShown = signal(false)

/** The second key after `g`. */
export const pageKeys: Readonly<Record<string, Page>> = {
  o: 'overview',
  c: 'connectors',
  d: 'postgres',
  t: 'topics',
  w: 'workers',
  p: 'plugins',
}

/** How long `g` waits for its second key. Milliseconds. */
const chordMs = 1500

/** Single keys, while no field has the focus. */
export function followKeyboard(): void {
  let chordUntil = 0
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return
    const page = performance.now() < chordUntil ? pageKeys[event.key] : undefined
    chordUntil = event.key === 'g' ? performance.now() + chordMs : 0
    if (page !== undefined && pages.includes(page)) location.hash = hashOf(page)
    else if (event.key === '/') focusFilter(event)
    else if (event.key === '?') isHelpShown.value = true
  })
}

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, select, textarea, dialog *')
}

function focusFilter(event: KeyboardEvent): void {
  const field = document.getElementById('filter')
  if (field === null) return
  event.preventDefault()
  field.focus()
}
