import { render } from 'preact'
import { follow } from './state/store.ts'
import { followTheme } from './state/theme.ts'
import { App } from './view/app.tsx'

const root = document.getElementById('app')
if (root !== null) {
  followTheme()
  follow()
  render(<App />, root)
}
