import type { Role } from '../../model/activity.ts'
import type { ComponentChildren } from 'preact'

import { command, connectorCommands, notify, running, type CommandName } from '../../state/commands.ts'
import { may } from '../../state/store.ts'

interface CommandButtonProps {
  readonly connector: string
  readonly which: CommandName
  readonly primary?: boolean
}

/** A command to a connector; users whose role does not allow it see none. */
export function CommandButton({ connector, which, primary = false }: CommandButtonProps) {
  const { label } = connectorCommands[which]
  return (
    <ActionButton
      role="operate"
      busy={running.value.has(`${which} ${connector}`)}
      primary={primary}
      label={`${label} ${connector}`}
      onClick={() => void command(connector, which)}
    >
      {label}
    </ActionButton>
  )
}

interface ActionButtonProps {
  /** That the action needs. */
  readonly role: Role
  readonly busy?: boolean
  readonly primary?: boolean
  readonly disabled?: boolean
  /** For screen readers, where the text alone does not say what it concerns. */
  readonly label?: string
  readonly onClick: () => void
  readonly children: ComponentChildren
}

export function ActionButton({
  role,
  busy = false,
  primary = false,
  disabled = false,
  label,
  onClick,
  children,
}: ActionButtonProps) {
  if (!may(role)) return null
  return (
    <button
      type="button"
      class={primary ? 'primary' : ''}
      disabled={busy || disabled}
      aria-busy={busy}
      {...(label === undefined ? {} : { 'aria-label': label })}
      onClick={onClick}
    >
      {children}
    </button>
  )
}

/** A command to type elsewhere, with a button that copies it. */
export function Copyable({ text }: { readonly text: string }) {
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text)
      notify('Copied.')
    } catch {
      notify('The browser does not allow copying here. Select the text instead.', true)
    }
  }
  return (
    <span class="copyable">
      <code>{text}</code>
      <button type="button" class="quiet" aria-label={`Copy ${text}`} onClick={() => void copy()}>
        Copy
      </button>
    </span>
  )
}
