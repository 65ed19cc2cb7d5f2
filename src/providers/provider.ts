/** An AI CLI, as data: how it gets into an image, how it is started unattended, and what it is logged in with. */
export interface Provider {
  readonly name: string;
  /** For people: `Claude Code`. */
  readonly title: string;
  /** A test of ours runs it; otherwise what is here is what its documentation says. */
  readonly verified: boolean;
  readonly program: string;
  readonly install: Install;
  readonly headless: Launch;
  /** How it is started for people to look at, and told what to do by keys; null: not known yet. */
  readonly interactive: Interactive | null;
  /** How what it prints is read; null: it is shown as it is. */
  readonly report: Report | null;
  /** null: it takes no model. */
  readonly model: string | null;
  /** What it needs to know, whoever runs it. */
  readonly env: Readonly<Record<string, string>>;
  /** What is added to a list of its configuration, whoever sets that. */
  readonly listedEnv?: ListedEnv;
  /** Variables of the caller's environment that it gets where they are set: of these, secrets. */
  readonly keys: readonly string[];
  /** Where it has no login, a key is looked for under another name as well: its own is first. */
  readonly aliases: Readonly<Record<string, string>>;
  /** And of these, what may be kept in the run's record: addresses, names of models and regions. */
  readonly passThroughEnv: readonly string[];
  /** Of `passes`, the address of its API, where it is taken from no variable but from arguments: `$` is its value. */
  readonly endpoint: {
    readonly variable: string;
    /** Its value where the variable is not set. */
    readonly default: string;
    readonly args: readonly string[];
  } | null;
  /** Files under the caller's home that it is logged in with, the first by itself. It gets copies, for it writes to them. */
  readonly login: readonly string[];
  /** What the first of them holds where somebody is logged in, for a CLI that also writes it where nobody is. */
  readonly loginHolds?: RegExp;
  /** What else it may be logged in by: an agent that has nothing of all these is refused before it starts. */
  readonly otherLogins: OtherLogins;
  /** What is written under the agent's home before it starts, so that it asks nothing: merged into what is there. */
  readonly settings: readonly Settings[];
}

export interface ListedEnv {
  /** A variable that holds the configuration as JSON. */
  readonly variable: string;
  readonly list: string;
  readonly value: string;
  /** Another list of the configuration: a user who names the value in it wants it. */
  readonly unlessIn: string;
}

interface OtherLogins {
  /** Names of variables: a cloud's switch, or the address of a server that may ask for no key; null: there are none. */
  readonly variables: RegExp | null;
  /** Arguments that choose a model with a login of its own, or with none; null: there are no such. */
  readonly args: RegExp | null;
  /** Its folder under the home: what the spec mounts there may hold a login. */
  readonly folder: string;
  /** Files of a workspace that may name a model's server and its key. */
  readonly files: readonly string[];
}

export type Install =
  | {
      readonly npm: string;
      /** Exact. */
      readonly version: string;
    }
  /** A shell command, run as root. */
  | { readonly script: string };

export interface Launch {
  /** What follows the program's name. */
  readonly args: readonly string[];
  /** What follows where the agent has the key that is named, and no login by a file: the first of those that it has. */
  readonly keyArgs?: Readonly<Record<string, readonly string[]>>;
  /** How the prompt follows: on standard input, as the last argument, or behind a flag as itself or as its file. */
  readonly prompt: 'stdin' | 'last' | { readonly flag: string } | { readonly file: string };
}

export interface Interactive {
  /** What follows the program's name. */
  readonly args: readonly string[];
  /** What follows, in JSON, behind a flag: settings that leave nothing to be asked, and hooks that call `agent-turn`. */
  readonly settingsFlag: { readonly flag: string; readonly json: object } | null;
  /** The same in files under the agent's home. */
  readonly settings: readonly Settings[];
  /** What is different where the agent has this variable; null: nothing. */
  readonly key: Key | null;
  /** Its screen when it takes a prompt, as a regular expression. */
  readonly ready: string;
  /** What it may ask although it is told not to. */
  readonly dialogs: readonly Dialog[];
}

export interface Key {
  readonly name: string;
  /** It would ask about it: it gets it under this name. */
  readonly as?: string;
  /** Further settings. */
  readonly json?: object;
  /** Further arguments: `$` is the address of its API. */
  readonly args?: readonly string[];
}

interface Dialog {
  /** For people, as in `it asks for a login`. */
  readonly title: string;
  /** Of the screen, as a regular expression. */
  readonly pattern: string;
}

/** For agent-report, which shows people what the CLI tells in JSON, and reads from it usage and failures. */
export interface Report {
  readonly format: 'claude' | 'codex' | 'gemini' | 'opencode' | 'copilot' | 'cline' | 'words';
  /** What it says where nobody is logged in, as a regular expression. */
  readonly login: string;
  /** What it says where the plan is used up. */
  readonly quota: string;
  /** false: it does not tell what it uses. */
  readonly usage?: false;
  /** It tells some failures in words, on stderr too. */
  readonly words?: {
    /** What it prints when it begins to wait for a person to log in. */
    readonly asks: string | null;
    /** What it prints when it begins to wait for its plan; the first group is why. */
    readonly waits: string | null;
  };
}

interface Settings {
  /** A JSON file, relative to the home. */
  readonly file: string;
  readonly json: object;
  /** Only where the agent has this variable. */
  readonly when?: string;
}
