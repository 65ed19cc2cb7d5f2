import type { Provider } from './provider.ts';

export const opencode: Provider = {
  name: 'opencode',
  title: 'opencode',
  verified: false,
  program: 'opencode',
  install: { npm: 'opencode-ai', version: '1.18.33' },
  headless: { args: ['run', '--auto'], prompt: 'last' },
  interactive: null,
  report: null,
  model: '--model',
  env: { OPENCODE_DISABLE_AUTOUPDATE: '1' },
  keys: ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'OPENROUTER_API_KEY'],
  aliases: {},
  passes: [],
  endpoint: null,
  login: ['.local/share/opencode/auth.json'],
  settings: [],
};
