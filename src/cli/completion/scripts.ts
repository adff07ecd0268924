/** The shells that there are scripts for. */
export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/** The scripts ask `penstock completion words` what may come next, so that they do not age. */
export const completionScripts: Readonly<Record<Shell, string>> = {
  bash: `# bash completion of penstock. Add to ~/.bashrc: eval "$(penstock completion bash)"
_penstock() {
  local line current="\${COMP_WORDS[COMP_CWORD]}"
  COMPREPLY=()
  while IFS= read -r line; do
    line="\${line%%$'\\t'*}"
    [[ "$line" == "$current"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
  done < <(penstock completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _penstock penstock
`,
  zsh: `#compdef penstock
# zsh completion of penstock. Add to ~/.zshrc, below compinit: eval "$(penstock completion zsh)"
_penstock() {
  local line
  local -a found
  while IFS= read -r line; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <(penstock completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then _describe penstock found; else _files; fi
}
compdef _penstock penstock
`,
  fish: `# fish completion of penstock. Save as ~/.config/fish/completions/penstock.fish
function __penstock_words
  set -l words (commandline -opc)
  set -l found (penstock completion words -- $words[2..-1] (commandline -ct) 2>/dev/null)
  if set -q found[1]
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c penstock -f -a '(__penstock_words)'
`,
}
