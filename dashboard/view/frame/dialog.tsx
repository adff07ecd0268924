import { signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

/** What an operator is asked before something is done that cannot be undone. */
interface Question {
  readonly title: string
  readonly text: string
  readonly action: string
  readonly onConfirm: () => void
}

const question = signal<Question | null>(null)

export function ask(asked: Question): void {
  question.value = asked
}

/** The question that stands; Escape dismisses it. */
export function QuestionDialog() {
  const asked = question.value
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (asked !== null) dialog.current?.showModal()
  }, [asked])
  if (asked === null) return null
  const close = (): void => {
    question.value = null
  }
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="question">
      <h2 id="question">{asked.title}</h2>
      <p>{asked.text}</p>
      <div class="actions">
        <button
          type="button"
          class="primary"
          onClick={() => {
            close()
            asked.onConfirm()
          }}
        >
          {asked.action}
        </button>
        <button type="button" onClick={close}>
          Cancel
        </button>
      </div>
    </dialog>
  )
}
