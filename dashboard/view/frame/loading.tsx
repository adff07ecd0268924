import type { Resource } from '../../state/resource.ts'

/** What stands in place of data that was not read yet, or cannot be read. */
export function Loading({ resource }: { readonly resource: Resource<unknown> }) {
  if (resource.error === null) return <p class="empty">Reading …</p>
  return (
    <div class="empty">
      <p>{resource.error}</p>
      <p>
        <button type="button" onClick={resource.reload}>
          Try again
        </button>
      </p>
    </div>
  )
}
