import { isPlainWord, shellQuote } from '../text/shell-quote.ts';
import { escapeControl, shorten } from './escape-control.ts';
import type { AgentPlan, InteractivePlan } from './plan.ts';

/** Where the agent finds its prompt; `agent-init` makes the directory. */
export const promptPath = '/run/agent/prompt';

type Launched = Pick<AgentPlan, 'command' | 'stdin' | 'attended' | 'report' | 'settings' | 'prompt' | 'env'>;

/**
 * The POSIX shell text that becomes the agent: it shows the command, writes the prompt and turns into the program.
 * The environment goes through `env` instead of `export`, which a shell refuses or changes for names of its own
 * (UID, RANDOM, OPTIND), and so that no value can disturb the script itself. As `env` finds the program, a word
 * such as `-x`, `cd` or `if` is only ever the name of a file: 127 where there is none, 126 where it cannot be run.
 */
export function launchScript(
  { command, stdin, attended, report, settings, prompt, env }: Launched,
  {
    promptFile = promptPath,
    secrets = {},
  }: { readonly promptFile?: string; readonly secrets?: Readonly<Record<string, string>> } = {},
): Buffer {
  const environment = Object.entries(prompt === null ? env : { ...env, AGENT_PROMPT_FILE: promptFile });
  const words = [
    ...environment.map(([name, value]) => `${name}=${value}`),
    ...(report === null ? [] : ['agent-report', JSON.stringify(report)]),
    ...asProgram(command),
  ];
  const lines = [
    // Not as words of `env`: for a moment whoever lists the processes would see them.
    ...Object.entries(secrets).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
    // A pager waits for a key, and `git log` would start one.
    'export PAGER="${PAGER-cat}"',
    `printf '%s\\n' ${shellQuote(displayLine(command))}`,
    ...(prompt === null ? [] : [writePrompt(prompt, promptFile)]),
    ...settings.map(
      ({ file, json }) =>
        `agent-settings ${shellQuote(file)} ${shellQuote(JSON.stringify(json))} || exit 125`,
    ),
    ...(attended === null ? [] : startWatcher(attended, promptFile)),
    `exec env -- ${words.map(shellQuote).join(' ')}${stdin === 'prompt' ? ` <${shellQuote(promptFile)}` : ''}`,
  ];
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** Beside the process that this script becomes there is one that sits before its screen. */
function startWatcher({ renamed, ...plan }: InteractivePlan, promptFile: string): string[] {
  const renames = Object.entries(renamed).map(
    ([name, other]) => `if [ -n "\${${name}:-}" ]; then export ${other}="$${name}"; unset ${name}; fi`,
  );
  const words = [JSON.stringify(plan), promptFile].map(shellQuote).join(' ');
  return [...renames, 'agent-turn begin', `agent-attend ${words} </dev/null >/dev/null 2>&1 &`];
}

/** `env` would take a program whose name holds "=" for one more variable; a shell's `exec` does not. */
function asProgram(command: readonly string[]): readonly string[] {
  return command[0]?.includes('=') ? ['sh', '-c', 'exec "$@"', 'sh', ...command] : command;
}

/** `printf` is built into the shell, so the prompt's length is bounded by no argument's. */
function writePrompt(prompt: string, promptFile: string): string {
  const file = shellQuote(promptFile);
  return `printf '%s' ${shellQuote(prompt)} > ${file} || { printf 'agent-run: cannot write %s\\n' ${file} >&2; exit 125; }`;
}

/** `$ npm test`: the command as a person would type it, on one line. */
export function displayLine(command: readonly string[], length = 160): string {
  // No word can show more than the line does, and one may hold 100 kB.
  const words = command.slice(0, length).map(word => readable(word.slice(0, 2 * length)));
  return shorten(`$ ${words.join(' ')}`, length);
}

function readable(word: string): string {
  return isPlainWord(word) ? word : escapeControl(shellQuote(word));
}
