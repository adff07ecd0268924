import type { ConfigChange } from '../../model/config-form.ts'

/** What applying the config changes: removed values with a minus, added ones with a plus. */
export function Changes({ changes }: { readonly changes: readonly ConfigChange[] }) {
  return (
    <>
      <h3>{changes.length === 1 ? 'One change' : `${changes.length} changes`}</h3>
      <ul class="diff mono">
        {changes.map(({ key, before, after }) => (
          <li key={key}>
            {before === null ? null : (
              <del>
                − {key} = {before}
              </del>
            )}
            {after === null ? null : (
              <ins>
                + {key} = {after}
              </ins>
            )}
          </li>
        ))}
      </ul>
    </>
  )
}
