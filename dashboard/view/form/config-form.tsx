import { useEffect, useRef, useState } from 'preact/hooks'

import type { Config, ConfigInfos, ConfigKey, Field } from '../../model/config-form.ts'

import { configChanges, errorsByKey, fieldGroups, isReference, recommendedByKey } from '../../model/config-form.ts'
import { call } from '../../state/api.ts'
import { may, messageOf } from '../../state/store.ts'
import { AddKey } from './add-key.tsx'
import { ActionButton } from './buttons.tsx'
import { Changes } from './changes.tsx'

interface ConfigFormProps {
  readonly plugin: string
  readonly definitions: readonly ConfigKey[]
  /** What applies now; empty for a connector that does not exist yet. */
  readonly current: Config
  /** What the form begins with. */
  readonly initial: Config
  readonly action: string
  readonly onApply: (config: Config) => Promise<boolean>
}

/** Checks a config as one types. Milliseconds after the last key. */
const pauseMs = 400

/** A config as a form: validated while one types, and applied after its changes were shown. */
export function ConfigForm({ plugin, definitions, current, initial, action, onApply }: ConfigFormProps) {
  const [config, setConfig] = useState(initial)
  const { infos, problem, isChecking } = useValidation(plugin, config)
  const [errors, recommended] = [errorsByKey(infos), recommendedByKey(infos)]
  const changes = configChanges(current, config, definitions)
  const isEditable = may('admin')
  const set = (key: string, value: string | null): void => {
    const { [key]: _before, ...others } = config
    setConfig(value === null ? others : { ...config, [key]: value })
  }
  return (
    <form class="config" onSubmit={(event) => event.preventDefault()}>
      {fieldGroups(definitions, config).map(({ title, fields }) => (
        <fieldset key={title} disabled={!isEditable}>
          <legend>{title}</legend>
          {fields.map((field) => (
            <FieldRow
              key={field.key}
              field={field}
              isChanged={(current[field.key] ?? '') !== field.value}
              errors={errors.get(field.key) ?? []}
              recommended={recommended.get(field.key) ?? []}
              set={set}
            />
          ))}
        </fieldset>
      ))}
      {isEditable ? <AddKey definitions={definitions} config={config} add={(key, value) => set(key, value)} /> : null}
      {changes.length === 0 || !isEditable ? null : (
        <div class="apply">
          <Changes changes={changes} />
          {problem === null ? null : <p class="field-error">{problem}</p>}
          <div class="actions">
            <ActionButton
              role="admin"
              primary
              disabled={isChecking || problem !== null || errors.size > 0}
              onClick={() => void onApply(config)}
            >
              {action}
            </ActionButton>
            <ActionButton role="admin" onClick={() => setConfig(initial)}>
              Discard
            </ActionButton>
            <span class="muted" role="status">
              {isChecking ? 'Checking …' : errors.size === 0 ? 'The config is valid.' : `${errors.size} not valid.`}
            </span>
          </div>
        </div>
      )}
    </form>
  )
}

interface Validation {
  readonly infos: ConfigInfos | null
  readonly problem: string | null
  readonly isChecking: boolean
}

/** Validates the config once it has been left alone for a moment. Users who may not validate see no errors. */
function useValidation(plugin: string, config: Config): Validation {
  const [state, setState] = useState<Validation>({ infos: null, problem: null, isChecking: false })
  useEffect(() => {
    if (!may('admin')) return undefined
    const controller = new AbortController()
    setState((before) => ({ ...before, isChecking: true }))
    const timer = setTimeout(() => {
      const path = `/connector-plugins/${encodeURIComponent(plugin)}/config/validate`
      call<ConfigInfos>('PUT', path, { body: config, signal: controller.signal }).then(
        (infos) => setState({ infos, problem: null, isChecking: false }),
        (error: unknown) => {
          if (!controller.signal.aborted) setState({ infos: null, problem: messageOf(error), isChecking: false })
        },
      )
    }, pauseMs)
    return () => {
      clearTimeout(timer)
      controller.abort()
    }
  }, [plugin, config])
  return state
}

interface FieldRowProps {
  readonly field: Field
  readonly isChanged: boolean
  readonly errors: readonly string[]
  readonly recommended: readonly string[]
  readonly set: (key: string, value: string | null) => void
}

function FieldRow({ field, isChanged, errors, recommended, set }: FieldRowProps) {
  const { key, definition } = field
  const id = `field-${key}`
  const isRequired = definition?.required === true
  return (
    <div class={isChanged ? 'field changed' : 'field'}>
      <label for={id} class="mono">
        {key}
      </label>
      <div>
        <div class="field-input">
          <FieldInput field={field} id={id} recommended={recommended} hasError={errors.length > 0} set={set} />
          {isRequired || !may('admin') ? null : (
            <button type="button" class="quiet" aria-label={`Remove ${key}`} onClick={() => set(key, null)}>
              ×
            </button>
          )}
        </div>
        {errors.map((error) => (
          <p key={error} class="field-error">
            {error}
          </p>
        ))}
        {definition === null || definition.documentation === '' ? null : <p class="doc">{definition.documentation}</p>}
      </div>
    </div>
  )
}

interface FieldInputProps {
  readonly field: Field
  readonly id: string
  readonly recommended: readonly string[]
  readonly hasError: boolean
  readonly set: (key: string, value: string) => void
}

function FieldInput({ field, id, recommended, hasError, set }: FieldInputProps) {
  const { key, value, definition, isSecret } = field
  const wasSecret = useRef(isSecret && value !== '' && !isReference(value))
  const [isTyped, setTyped] = useState(false)
  const common = { id, 'aria-invalid': hasError, class: 'mono' }
  const onInput = ({ currentTarget }: { readonly currentTarget: { readonly value: string } }): void => {
    setTyped(true)
    set(key, currentTarget.value)
  }
  if (definition?.type === 'BOOLEAN')
    return (
      <select {...common} value={value === '' ? (definition.default_value ?? '') : value} onChange={onInput}>
        <option value="true">true</option>
        <option value="false">false</option>
      </select>
    )
  // A secret stays out of the page: what is typed replaces it.
  if (isSecret && wasSecret.current)
    return (
      <input
        {...common}
        type="password"
        autocomplete="off"
        placeholder="•••••••• (unchanged)"
        value={isTyped ? value : ''}
        onInput={onInput}
      />
    )
  const list = recommended.length === 0 ? {} : { list: `${id}-values` }
  return (
    <>
      <input
        {...common}
        {...list}
        type="text"
        spellcheck={false}
        autocomplete="off"
        placeholder={definition?.default_value ?? ''}
        value={value}
        onInput={onInput}
      />
      {recommended.length === 0 ? null : (
        <datalist id={`${id}-values`}>
          {recommended.map((each) => (
            <option key={each} value={each} />
          ))}
        </datalist>
      )}
    </>
  )
}
