/** The places where an AI CLI reads servers, skills and instructions of its user, and its trust in the workspace. */
export interface Customization {
  /** The form of its MCP servers; null if none is documented. */
  readonly mcp: McpForm | null;
  /** The folder with the skills of the user, relative to the home; null if none is documented. */
  readonly skills: string | null;
  /** The file with the instructions of the user, relative to the home; null if none is documented. */
  readonly instructions: string | null;
  /** The switch for hooks, MCP servers and plugins of the workspace; null if it has none: then they are on. */
  readonly trust: TrustSwitch | null;
}

/** MCP servers as JSON, or as the `mcp_servers` of Codex, which it takes on its command line. */
export type McpForm = McpJson | 'toml';

export interface McpJson {
  /** A flag for the JSON, or a file relative to the home, which the JSON is merged into. */
  readonly to: { readonly flag: string } | { readonly file: string };
  /** Additional arguments of an agent with servers. */
  readonly args: readonly string[];
  /** The key of the object with all servers. */
  readonly key: string;
  /** Reference to an environment variable, with `NAME` for its name; null if it was not tried: secrets are refused then. */
  readonly variable: string | null;
  readonly local: {
    /** Whether `command` is a list with the arguments; otherwise they are in `args`. */
    readonly isList: boolean;
    /** The key of the environment variables. */
    readonly env: string;
    readonly more: Readonly<Record<string, unknown>>;
  };
  readonly remote: {
    /** The key of the address. */
    readonly url: string;
    readonly more: Readonly<Record<string, unknown>>;
  };
}

interface TrustSwitch {
  readonly untrusted: Trust;
  /** In place of `untrusted` for an interactive agent. */
  readonly untrustedInteractive?: Trust;
  readonly trusted: Trust;
}

/** Additions to the start of the CLI. */
export interface Trust {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** JSON that is merged into files in the home. */
  readonly settings?: readonly { readonly file: string; readonly json: object }[];
  /** A file of the workspace that the CLI does not read then: its text is added to the instructions of the user. */
  readonly instructions?: string;
  /** Regular expression for a dialog of an interactive agent before its first prompt; its first choice is taken. */
  readonly confirm?: string;
}

/** The form that most CLIs share, in this file. */
export const mcpServersIn = (file: string): McpJson => ({
  to: { file },
  args: [],
  key: 'mcpServers',
  variable: null,
  local: { isList: false, env: 'env', more: {} },
  remote: { url: 'url', more: {} },
});
