import { isPlainWord, shellQuote } from '../text/shell-quote.ts';
import { restoreConversation, writeHome } from './conversation-script.ts';
import { escapeControl, shorten } from './escape-control.ts';
import { outputPath } from './output-text.ts';
import type { AgentPlan, InteractivePlan } from './plan.ts';
import { trustAuthority } from './trust-authority.ts';

/** The file with the prompt in the container; `agent-init` creates its directory. */
export const promptPath = '/run/agent/prompt';

/** A file for the agent's home. */
interface SentFile {
  /** Its path relative to the home. */
  readonly home: string;
  readonly content: Buffer;
}

interface SentSkill extends SentFile {
  readonly isExecutable: boolean;
}

type Launched = Pick<
  AgentPlan,
  | 'command'
  | 'stdin'
  | 'interactive'
  | 'report'
  | 'settings'
  | 'instructions'
  | 'prompt'
  | 'env'
  | 'output'
  | 'conversation'
>;

/**
 * Return the POSIX shell script that becomes the agent: it prints the command, writes the prompt and execs the program.
 * The environment goes through `env` instead of `export`, which a shell refuses or changes for its own names
 * (UID, RANDOM, OPTIND), and so that no value affects the script itself. Since `env` looks up the program, a word such
 * as `-x`, `cd` or `if` is always the name of a file: exit code 127 if it does not exist, 126 if it cannot be run.
 */
export function launchScript(
  {
    command,
    stdin,
    interactive,
    report,
    settings,
    instructions,
    prompt,
    env,
    output,
    conversation,
  }: Launched,
  {
    promptFile = promptPath,
    secrets = {},
    logins = [],
    skills = [],
    authority = null,
    direct = null,
    files = [],
    isContinued = false,
  }: {
    readonly promptFile?: string;
    readonly secrets?: Readonly<Record<string, string>>;
    readonly logins?: readonly SentFile[];
    readonly skills?: readonly SentSkill[];
    /** The certificate of an authority that its programs have to trust, as PEM; null for none. */
    readonly authority?: string | null;
    /** A host that is never called through a proxy; null for none. */
    readonly direct?: string | null;
    /** Text files to write, by their absolute paths. */
    readonly files?: readonly { readonly path: string; readonly text: string }[];
    /** Whether the archive with a conversation is in the container. */
    readonly isContinued?: boolean;
  } = {},
): Buffer {
  const environment = Object.entries({
    ...env,
    ...(prompt === null ? {} : { AGENT_PROMPT_FILE: promptFile }),
    ...(output === undefined ? {} : { AGENT_OUTPUT_FILE: outputPath }),
  });
  const words = [
    ...environment.map(([name, value]) => `${name}=${value}`),
    ...(report === null ? [] : ['agent-report', JSON.stringify(report)]),
    ...asProgram(command),
  ];
  const lines = [
    // Not as words of `env`: a list of processes would show them for a moment.
    ...Object.entries(secrets).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
    ...(direct === null ? [] : exceptFromProxy(direct)),
    // A pager waits for a key, and `git log` would start one.
    'export PAGER="${PAGER-cat}"',
    `printf '%s\\n' ${shellQuote(displayLine(command))}`,
    ...(prompt === null ? [] : [writeText(prompt, promptFile)]),
    ...files.map(({ text, path }) => writeText(text, path)),
    ...(conversation === undefined ? [] : [writeHome]),
    ...(conversation && isContinued ? restoreConversation(conversation) : []),
    ...(authority === null ? [] : trustAuthority(authority)),
    ...logins.map(receiveLogin),
    ...skills.map(writeSkill),
    ...(instructions === undefined ? [] : [addInstructions(instructions)]),
    ...settings.map(
      ({ file, json }) =>
        `agent-settings ${shellQuote(file)} ${shellQuote(JSON.stringify(json))} || exit 125`,
    ),
    ...(interactive === null ? [] : startWatcher(interactive, promptFile)),
    `exec env -- ${words.map(shellQuote).join(' ')}${inputOf(stdin, promptFile)}`,
  ];
  return Buffer.from(`${lines.join('\n')}\n`);
}

/** The docker client adds variables for a proxy, which would be asked to call the broker. */
const exceptFromProxy = (host: string) =>
  ['NO_PROXY', 'no_proxy'].map(name => `export ${name}="\${${name}:+$${name},}${host}"`);

function inputOf(stdin: Launched['stdin'], promptFile: string): string {
  if (stdin === 'terminal') return '';
  return ` <${stdin === 'prompt' ? shellQuote(promptFile) : '/dev/null'}`;
}

/** A builtin with a pipe: some shells keep a here-document on the disk for a moment. */
const receiveLogin = ({ home, content }: SentFile) =>
  `printf '%s' '${content.toString('base64')}' | agent-auth ${shellQuote(home)}`;

/** A skill is not secret, so it may be on the disk of the container, where its programs can be run. */
const writeSkill = ({ home, content, isExecutable }: SentSkill) =>
  inHome(
    home,
    `printf '%s' '${content.toString('base64')}' | base64 -d >"$file"${isExecutable ? ' && chmod 755 "$file"' : ''}`,
  );

/**
 * The image may have instructions of its own in this file. A file of the workspace may be a link to anything in the
 * container, so that only the beginning of a regular file is read.
 */
function addInstructions({ file, text, workspaceFile }: NonNullable<Launched['instructions']>): string {
  const from = workspaceFile === undefined ? null : shellQuote(workspaceFile);
  const copy = from === null ? '' : ` && { [ ! -f ${from} ] || head -c ${maxCopied} ${from} >>"$file"; }`;
  return inHome(file, `printf '\\n%s\\n' ${shellQuote(text)} >>"$file"${copy}`);
}

/** Bytes; codex reads half as much of an AGENTS.md by default. */
const maxCopied = 65_536;

/** Return a line that runs `write` with the path of this file in the home as `$file`, or ends the agent. */
const inHome = (home: string, write: string) =>
  `(file=$HOME/${shellQuote(home)} && mkdir -p "\${file%/*}" && ${write}) || { printf 'agent-run: cannot write ~/%s\\n' ${shellQuote(home)} >&2; exit 125; }`;

/** Start the process that watches the screen of an interactive AI CLI and types into it. */
function startWatcher({ renamed, ...plan }: InteractivePlan, promptFile: string): string[] {
  const renames = Object.entries(renamed).map(
    ([name, other]) => `if [ -n "\${${name}:-}" ]; then export ${other}="$${name}"; unset ${name}; fi`,
  );
  const words = [JSON.stringify(plan), promptFile].map(shellQuote).join(' ');
  return [...renames, 'agent-turn begin', `agent-interactive ${words} </dev/null >/dev/null 2>&1 &`];
}

/** `env` would read a program name that contains "=" as a variable; the `exec` of a shell does not. */
function asProgram(command: readonly string[]): readonly string[] {
  return command[0]?.includes('=') ? ['sh', '-c', 'exec "$@"', 'sh', ...command] : command;
}

/** `printf` is a shell builtin, so the argument limit of the kernel does not apply to the text. */
function writeText(text: string, path: string): string {
  const file = shellQuote(path);
  return `printf '%s' ${shellQuote(text)} > ${file} || { printf 'agent-run: cannot write %s\\n' ${file} >&2; exit 125; }`;
}

/** Format a command as a user would type it, on one line: `$ npm test`. */
export function displayLine(command: readonly string[], length = 160): string {
  // A word may have 100 kB: cut each to the length of the line first.
  const words = command.slice(0, length).map(word => readable(word.slice(0, 2 * length)));
  return shorten(`$ ${words.join(' ')}`, length);
}

function readable(word: string): string {
  return isPlainWord(word) ? word : escapeControl(shellQuote(word));
}
