export default {
  extensions: ['ts'],
  files: ['test/**/*.test.ts'],
  timeout: '15m',
  environmentVariables: { NO_COLOR: '1' },
};
