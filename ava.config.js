/** What takes longest begins first, so that nothing is left at the end that everything waits for. */
const longest = [
  'docker-lies',
  'engine-killed',
  'engine-signalled',
  'daemon',
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
  timeout: '15m',
  sortTestFiles: (a, b) => rank(a) - rank(b),
  // Docker's clients, some twenty a run, cost a quarter less with one processor.
  environmentVariables: { NO_COLOR: '1', GOMAXPROCS: '1' },
};
