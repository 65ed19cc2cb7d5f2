import type { Provider } from './provider.ts';

export const amp: Provider = {
  name: 'amp',
  title: 'Amp',
  verified: false,
  program: 'amp',
  install: { npm: '@ampcode/cli', version: '0.0.1790712063-gb89205' },
  headless: { args: ['--execute'], prompt: 'stdin' },
  interactive: null,
  report: null,
  model: null,
  env: {},
  keys: ['AMP_API_KEY'],
  aliases: {},
  passes: [],
  endpoint: null,
  login: ['.local/share/amp/secrets.json'],
  settings: [],
};
