import type { Provider } from './provider.ts';

export const copilot: Provider = {
  name: 'copilot',
  title: 'GitHub Copilot CLI',
  verified: false,
  program: 'copilot',
  install: { npm: '@github/copilot', version: '1.0.102' },
  headless: { args: ['--allow-all', '--no-ask-user', '--silent'], prompt: { flag: '--prompt' } },
  interactive: null,
  report: null,
  model: '--model',
  env: { COPILOT_ALLOW_ALL: 'true', COPILOT_AUTO_UPDATE: 'false' },
  keys: ['COPILOT_GITHUB_TOKEN', 'GH_TOKEN', 'GITHUB_TOKEN'],
  aliases: {},
  passes: ['COPILOT_MODEL'],
  endpoint: null,
  login: [],
  settings: [],
};
