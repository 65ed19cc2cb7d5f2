/** Start the longest files first, so that no single one is left running at the end. */
const longest = [
  'docker-faults',
  'engine-killed',
  'engine-signalled',
  'daemon',
  'networks',
  'workspaces',
  'engine-random',
  'random-repositories',
  'outside',
  'faults/agent',
  'engine-mutants',
  'locks',
  'docs',
  'interactive',
];
const rank = file => {
  const place = longest.findIndex(name => file.endsWith(`/${name}.test.ts`));
  return place < 0 ? longest.length : place;
};

export default {
  extensions: ['ts'],
  files: ['test/**/*.test.ts'],
  // Longer than the limit of every test.
  timeout: '30m',
  sortTestFiles: (a, b) => rank(a) - rank(b),
  // Some twenty docker clients a run cost a quarter less CPU with one processor each.
  environmentVariables: { NO_COLOR: '1', GOMAXPROCS: '1' },
};
