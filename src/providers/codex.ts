import type { Provider } from './provider.ts';

export const codex: Provider = {
  name: 'codex',
  title: 'Codex',
  verified: true,
  program: 'codex',
  install: { npm: '@openai/codex', version: '0.169.0' },
  headless: {
    args: [
      'exec',
      '--json',
      '--skip-git-repo-check',
      '--dangerously-bypass-approvals-and-sandbox',
      // It would write the whole environment, the key in it, to a file.
      '--disable=shell_snapshot',
      '--config=analytics.enabled=false',
      '--config=check_for_update_on_startup=false',
    ],
    prompt: 'stdin',
  },
  interactive: null,
  report: {
    format: 'codex',
    login: '\\b401\\b|not logged in|missing environment variable',
    quota: 'hit your usage limit|\\b429\\b',
  },
  model: '--model',
  env: {},
  keys: ['CODEX_API_KEY'],
  aliases: { CODEX_API_KEY: 'OPENAI_API_KEY' },
  passes: ['OPENAI_BASE_URL'],
  endpoint: { variable: 'OPENAI_BASE_URL', args: ['--config=openai_base_url="$"'] },
  login: ['.codex/auth.json'],
  settings: [],
};
