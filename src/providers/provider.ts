import type { Brokered } from './apis.ts';
import type { Customization } from './customization.ts';
import type { Report } from './report.ts';

/**
 * An AI CLI as data, which is JSON: how to install it, start it unattended, and log it in. Regular expressions are strings
 * without flags.
 */
export interface Provider {
  readonly name: string;
  /** For people: `Claude Code`. */
  readonly title: string;
  /** Whether a test runs it; otherwise the data follow its documentation. */
  readonly verified: boolean;
  readonly program: string;
  readonly install: Install;
  readonly headless: Launch;
  /** Start of its terminal interface, with the prompt typed into it; null if not supported. */
  readonly interactive: Interactive | null;
  /** Configuration of the output's parser; null to show the output unchanged. */
  readonly report: Report | null;
  /** The option for the model; null if it has none. */
  readonly model: string | null;
  /** Environment variables that it always gets. */
  readonly env: Readonly<Record<string, string>>;
  /** A value that is always added to a list of its configuration. */
  readonly listedEnv?: ListedEnv;
  /** Variables of the caller's environment that it gets as secrets, if they are set. */
  readonly keys: readonly string[];
  /** Other names of keys, which are read if there is no login and the key itself is not set. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Variables of the caller's environment that it gets and that are stored with the run: addresses, names of models. */
  readonly passThroughEnv: readonly string[];
  /** The variable with the address of its API, if it reads that from arguments only: `$` is replaced by the value. */
  readonly endpoint: {
    readonly variable: string;
    /** The value if the variable is not set. */
    readonly default: string;
    readonly args: readonly string[];
  } | null;
  /** The keys that the broker of a run can hold for it. Default: none. */
  readonly brokered?: Brokered;
  /** Files of its login in the caller's home; the first one is sufficient. It gets copies, since it writes to them. */
  readonly login: readonly string[];
  /** Regular expression for the first of them if the user is logged in, for a CLI that writes the file in any case. */
  readonly loginHolds?: string;
  /** Models of other servers, which are sufficient without a login. */
  readonly models?: ModelsFile;
  /** Other means of login: an agent without any is rejected before it starts. */
  readonly otherLogins: OtherLogins;
  /** Settings that are merged into files in the agent's home before it starts, so that it asks nothing. */
  readonly settings: readonly Settings[];
  readonly customization: Customization;
  /** Its way to continue a conversation in a new container. Default: none. */
  readonly conversation?: Conversation;
  /** Its option for the JSON schema of its answer. Default: none. */
  readonly outputSchema?: OutputSchema;
  /** Its settings for a stub of its model, with which `agent-flow providers --check` runs it. Default: it cannot use one. */
  readonly check?: CheckSetup;
  /** Hosts of its API and of its login, as in `network.allow`; none for telemetry, updates or other models. */
  readonly hosts: readonly string[];
}

export interface Conversation {
  /** Files and folders with its conversations, relative to the home. No login is in them. */
  readonly files: readonly string[];
  /** Arguments that continue the latest one, after all others but those of the prompt. */
  readonly args: readonly string[];
  /** Basic regular expression of lines to delete from these files before it continues. */
  readonly omit?: string;
}

export interface OutputSchema {
  readonly flag: string;
  /** Whether the option takes the schema itself or the path of a file with it. */
  readonly takes: 'text' | 'file';
  /** The field of its last JSON event that has the value; null if its last message is the value as JSON. */
  readonly field: string | null;
}

/** In strings, `$URL` is replaced by the address of the stub, such as `http://stub:8080`, and `$KEY` by a key. */
export interface CheckSetup {
  /** The API of the stub that it calls: Anthropic's Messages, OpenAI's Responses or chat completions, or Gemini's. */
  readonly api: 'anthropic' | 'openai' | 'chat' | 'gemini';
  /** Variables of the caller's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** JSON files of the caller's home, by their path in it. */
  readonly files?: Readonly<Record<string, object>>;
  /** Default: its own default. */
  readonly model?: string;
}

export interface ListedEnv {
  /** The variable that contains the configuration as JSON. */
  readonly variable: string;
  readonly list: string;
  readonly value: string;
  /** Another list of the configuration: the value is not added if it is in there. */
  readonly unlessIn: string;
}

/** A file in the caller's home with addresses of servers. The agent gets a copy, and the keys that the file names. */
export interface ModelsFile {
  /** Relative to the home. */
  readonly file: string;
  /** Regular expression for the file if it has a server. */
  readonly holds: string;
  /** Regular expression for each name of a variable with a key; the first group is the name. */
  readonly keys: string;
}

interface OtherLogins {
  /**
   * Regular expression for names of variables, such as a switch for a cloud, or the address of a server without keys; null
   * for none.
   */
  readonly variables: string | null;
  /** Regular expression for arguments that select a model with another login, or without one; null for none. */
  readonly args: string | null;
  /** The folder of the CLI in the home: a mount there may contain a login. */
  readonly folder: string;
  /** Files of a workspace that may contain the address and key of a model's server. */
  readonly files: readonly string[];
}

export type Install =
  | {
      readonly npm: string;
      /** Exact version. */
      readonly version: string;
      /** A program that it runs, and the Debian package that has it. */
      readonly needs?: { readonly program: string; readonly package: string };
    }
  /** A shell command, run as root; `version` is the one that it installs, if that is always the same. */
  | { readonly script: string; readonly version?: string };

export interface Launch {
  /** Arguments of the program. */
  readonly args: readonly string[];
  /** Arguments by key, for an agent without a login file: those of the first key that is set. */
  readonly keyArgs?: Readonly<Record<string, readonly string[]>>;
  /** Passes the prompt on standard input, as the last argument, or with a flag, as text or as a file. */
  readonly prompt: 'stdin' | 'last' | { readonly flag: string } | { readonly file: string };
}

export interface Interactive {
  /** Arguments of the program. */
  readonly args: readonly string[];
  /** A flag with settings as JSON: they avoid questions, and their hooks call `agent-turn`. */
  readonly settingsFlag: { readonly flag: string; readonly json: object } | null;
  /** The same settings in files in the agent's home. */
  readonly settings: readonly Settings[];
  /** Changes if the agent has this key; null for none. */
  readonly key: Key | null;
  /** Regular expression for its screen when it accepts a prompt. */
  readonly ready: string;
  /** Questions that it may ask in spite of its settings. */
  readonly dialogs: readonly Dialog[];
}

export interface Key {
  readonly name: string;
  /** Another name for the variable, for a CLI that would ask about it. */
  readonly as?: string;
  /** Additional settings. */
  readonly json?: object;
  /** Additional arguments: `$` is the address of its API. */
  readonly args?: readonly string[];
}

interface Dialog {
  /** A phrase for people, as in `it asks for a login`. */
  readonly title: string;
  /** Regular expression for the screen. */
  readonly pattern: string;
}

export interface Settings {
  /** A JSON file, relative to the home. */
  readonly file: string;
  readonly json: object;
  /** Applies only if the agent has this variable. */
  readonly when?: string;
  /** Applies only if the agent has this variable, and not as a secret: `$` in a string is replaced by its value. */
  readonly from?: string;
}
