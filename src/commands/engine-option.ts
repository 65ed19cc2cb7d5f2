/** For yargs, of the commands that take a run up. */
export const newEngineOption = {
  type: 'boolean',
  default: false,
  describe:
    'its Docker engine is gone for good, and its containers with it: go on, on the one that docker reaches now',
} as const;
