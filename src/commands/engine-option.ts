/** For yargs, of the commands that take a run up. */
export const newEngineOption = {
  type: 'boolean',
  default: false,
  describe: 'its Docker engine is gone for good: go on with the one that answers now',
} as const;
