import { useState } from 'preact/hooks'

import type { Config, ConfigKey } from '../../model/config-form.ts'

import { unsetKeys } from '../../model/config-form.ts'

interface AddKeyProps {
  readonly definitions: readonly ConfigKey[]
  readonly config: Config
  readonly add: (key: string, value: string) => void
}

/** Adds a key that is not set: one of the plugin's, with its default, or any other. */
export function AddKey({ definitions, config, add }: AddKeyProps) {
  const [key, setKey] = useState('')
  const unset = unsetKeys(definitions, config)
  const chosen = unset.find(({ name }) => name === key)
  const submit = (): void => {
    const name = key.trim()
    if (name === '' || name in config) return
    add(name, chosen?.default_value ?? '')
    setKey('')
    requestAnimationFrame(() => document.getElementById(`field-${name}`)?.focus())
  }
  return (
    <div class="field add">
      <label for="add-key">Add a key</label>
      <div>
        <div class="field-input">
          <input
            id="add-key"
            class="mono"
            list="unset-keys"
            placeholder="name"
            spellcheck={false}
            autocomplete="off"
            value={key}
            onInput={({ currentTarget }) => setKey(currentTarget.value)}
            onKeyDown={(event) => {
              if (event.key === 'Enter') submit()
            }}
          />
          <button type="button" disabled={key.trim() === ''} onClick={submit}>
            Add
          </button>
        </div>
        <datalist id="unset-keys">
          {unset.map(({ name }) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        {chosen === undefined ? null : <p class="doc">{chosen.documentation}</p>}
      </div>
    </div>
  )
}
