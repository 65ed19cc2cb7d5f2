/** Additions for an AI CLI that are not on its command line. */
export interface CustomizationPlan {
  readonly instructions?: InstructionsPlan;
  /** Folders whose files are copied into the agent's home. */
  readonly skills?: readonly SkillPlan[];
  /** Whether hooks, MCP servers and plugins of the workspace are on. */
  readonly trustsWorkspace?: true;
}

interface InstructionsPlan {
  /** Path relative to the agent's home. */
  readonly file: string;
  /** Added to the file; empty for nothing. */
  readonly text: string;
  /** A file in the container whose text is added as well, if it is there. */
  readonly workspaceFile?: string;
}

interface SkillPlan {
  /** Absolute path of an existing directory of the host, symbolic links resolved. */
  readonly source: string;
  /** Hash of its files when the spec was read. */
  readonly sha256: string;
  /** Path relative to the agent's home. */
  readonly home: string;
}

export interface SettingsPlan {
  /** A JSON file relative to the agent's home; `json` is merged into it. */
  readonly file: string;
  readonly json: object;
}
