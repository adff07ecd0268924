import { signal } from '@preact/signals'

/** The text for which lists are searched. */
export const filter = signal('')

/** Whether one of the names contains the text of the filter. */
export function filtered(names: readonly string[]): boolean {
  const text = filter.value.trim().toLowerCase()
  return text === '' || names.some((name) => name.toLowerCase().includes(text))
}

export function Filter() {
  return (
    <input
      type="search"
      class="filter"
      id="filter"
      placeholder="Filter  /"
      aria-label="Filter by name"
      value={filter.value}
      onInput={({ currentTarget }) => {
        filter.value = currentTarget.value
      }}
    />
  )
}
