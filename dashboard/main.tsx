import { render } from 'preact'
import { followKeyboard } from './state/keyboard.ts'
import { follow } from './state/store.ts'
import { followTheme } from './state/theme.ts'
import { App } from './view/frame/app.tsx'

const root = document.getElementById('app')
if (root !== null) {
  followTheme()
  follow()
  followKeyboard()
  render(<App />, root)
}
