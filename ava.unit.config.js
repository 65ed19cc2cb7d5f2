import { cpus } from 'node:os';
import config from './ava.config.js';

/** Start the longest files first. */
const longest = [
  'docker/wrapper',
  'machines/paths',
  'commands/logs-transcript',
  'docker/floods',
  'inspector/assets',
];
const rank = file => {
  const place = longest.findIndex(name => file.endsWith(`/${name}.test.js`));
  return place < 0 ? longest.length : place;
};

/** Run the bundles of scripts/unit-tests.ts. */
export default {
  ...config,
  extensions: ['js'],
  files: ['.tested/unit/**/*.test.js'],
  sortTestFiles: (a, b) => rank(a) - rank(b),
  // Failures show the lines of the sources.
  nodeArguments: ['--enable-source-maps'],
  // The first file only waits.
  concurrency: cpus().length + 1,
};
