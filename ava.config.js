export default {
  extensions: ['ts'],
  files: ['test/**/*.test.ts'],
  timeout: '5m',
  environmentVariables: { NO_COLOR: '1' },
};
