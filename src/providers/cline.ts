import type { Provider } from './provider.ts';

export const cline: Provider = {
  name: 'cline',
  title: 'Cline',
  verified: false,
  program: 'cline',
  install: { npm: 'cline', version: '3.0.65' },
  headless: { args: ['--auto-approve', 'true'], prompt: 'stdin' },
  interactive: null,
  report: null,
  model: '--model',
  env: {},
  keys: [],
  aliases: {},
  passes: [],
  endpoint: null,
  login: ['.cline/data'],
  settings: [],
};
