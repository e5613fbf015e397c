/**
 * `openseal completion`: what makes a shell complete the names of commands and their options. Files
 * are completed by the shell itself.
 */
import type { Command } from 'commander'
import { COMMAND } from './program.ts'

/** Fills the command. */
export function addCompletion(command: Command): void {
  command
    .addHelpText('after', `\nExample, in ~/.bashrc or ~/.zshrc:\n  eval "$(${COMMAND} completion)"`)
    .action(() => void process.stdout.write(formatCompletion(command.parent!)))
}

/**
 * The script: a line for each command. zsh runs it through its own emulation of bash's completion.
 */
function formatCompletion(program: Command): string {
  const groups = program.commands.filter(({ commands }) => commands.length > 0)
  const rows = [
    ...groups.flatMap(group => [
      `    "2 ${group.name()} "*) words="${names(group)} --help" ;;`,
      ...group.commands.map(inner => `    *" ${group.name()} ${inner.name()}") words="${options(inner)}" ;;`),
    ]),
    ...program.commands.map(command => `    *" ${command.name()} "*) words="${options(command)}" ;;`),
  ]
  return `if [ -n "\${ZSH_VERSION-}" ]; then
  autoload -U +X compinit && compinit && autoload -U +X bashcompinit && bashcompinit
fi
_openseal() {
  local words="" current="\${COMP_WORDS[COMP_CWORD]}"
  case "$COMP_CWORD \${COMP_WORDS[1]-} \${COMP_WORDS[2]-}" in
    "1 "*) words="${names(program)} ${options(program)}" ;;
${rows.join('\n')}
  esac
  # Options are offered once a dash is typed, files until then.
  case "$words:$current" in
    --*:-*) ;;
    --*) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _openseal openseal
`
}

function names({ commands }: Command): string {
  return commands.map(command => command.name()).join(' ')
}

function options(command: Command): string {
  return [...command.options.map(({ long }) => long), '--help'].join(' ')
}
