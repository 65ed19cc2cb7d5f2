/** The `--new-engine` option of the commands that resume a run. */
export const newEngineOption = {
  type: 'boolean',
  default: false,
  describe: 'Continue on the current Docker engine; the old one is lost',
} as const;
