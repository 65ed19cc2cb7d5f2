import config from './ava.config.js';

/** Run the bundles of scripts/unit-tests.ts. */
export default {
  ...config,
  extensions: ['js'],
  files: ['.tested/unit/**/*.test.js'],
  nodeArguments: ['--enable-source-maps'],
};
