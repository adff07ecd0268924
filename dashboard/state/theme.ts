import { effect, signal } from '@preact/signals'

/** `auto` follows the system. */
export type Theme = 'auto' | 'light' | 'dark'

const key = 'penstock.theme'
const themes: readonly Theme[] = ['auto', 'light', 'dark']

export const theme = signal<Theme>(themes.find((each) => each === localStorage.getItem(key)) ?? 'auto')

/** Applies the theme, and keeps it in this browser. */
export function followTheme(): void {
  effect(() => {
    if (theme.value === 'auto') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = theme.value
    localStorage.setItem(key, theme.value)
  })
}

export function nextTheme(): void {
  theme.value = themes[(themes.indexOf(theme.value) + 1) % themes.length] ?? 'auto'
}
