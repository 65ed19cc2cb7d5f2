import config from './ava.config.js';

/** Start these first: they take the longest. */
const longest = ['docker/wrapper', 'machines/paths', 'commands/logs-transcript', 'docker/floods', 'inspector/assets'];
const rank = file => {
  const place = longest.findIndex(name => file.endsWith(`/${name}.test.js`));
  return place < 0 ? longest.length : place;
};

/** Run the bundles of scripts/unit-tests.ts. */
export default {
  ...config,
  extensions: ['js'],
  files: ['.tested/unit/**/*.test.js'],
  nodeArguments: ['--enable-source-maps'],
  sortTestFiles: (a, b) => rank(a) - rank(b),
};
