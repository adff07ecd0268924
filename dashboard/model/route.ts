/** What the page shows, as the part of its address after `#`. */
export interface Place {
  readonly page: Page
  /** The connector or topic; null: the list. */
  readonly name: string | null
  /** A part of the page. */
  readonly tab: string | null
}

/** The pages, in the order of the navigation. */
export const pages = ['overview', 'connectors', 'postgres', 'topics', 'workers', 'plugins'] as const
export type Page = (typeof pages)[number]

/** `#/connectors/orders-sink/config`. An address that is none is that of the overview. */
export function placeOf(hash: string): Place {
  const [page, name, tab] = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decoded)
  const known = pages.find((each) => each === page) ?? 'overview'
  return { page: known, name: name === undefined || name === '' ? null : name, tab: tab === undefined ? null : tab }
}

export function hashOf(page: Page, name: string | null = null, tab: string | null = null): string {
  return ['#', page, ...[name, tab].flatMap((part) => (part === null ? [] : [encodeURIComponent(part)]))].join('/')
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
