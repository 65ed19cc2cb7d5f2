import type { Provider } from './provider.ts';
import { wordsReport } from './words-report.ts';

export const aider: Provider = {
  name: 'aider',
  title: 'Aider',
  verified: false,
  program: 'aider',
  install: {
    version: '0.86.2',
    script:
      'apt-get update && apt-get install -y --no-install-recommends python3-venv && python3 -m venv /opt/aider && /opt/aider/bin/pip install --no-cache-dir aider-chat==0.86.2 && ln -sf /opt/aider/bin/aider /usr/local/bin/aider',
  },
  headless: { args: ['--yes-always', '--no-stream'], prompt: { file: '--message-file' } },
  interactive: null,
  report: wordsReport,
  model: '--model',
  env: {
    AIDER_ANALYTICS: 'false',
    AIDER_CHECK_UPDATE: 'false',
    // Since it confirms everything, it would install a browser for an address in its prompt, or open one for a warning.
    AIDER_DETECT_URLS: 'false',
    AIDER_SHOW_MODEL_WARNINGS: 'false',
  },
  keys: ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GEMINI_API_KEY'],
  aliases: {},
  passThroughEnv: ['AIDER_MODEL', 'OPENAI_API_BASE'],
  endpoint: null,
  login: [],
  otherLogins: {
    variables: '(_API_KEY|_TOKEN|_API_BASE|_BASE_URL|_ACCESS_KEY_ID|_PROFILE|_CREDENTIALS)$',
    args: '^--([a-z]+-)?api-(key|base)\\b|^--(env-file|config)\\b',
    folder: '.aider',
    files: ['.env', '.aider.conf.yml'],
  },
  settings: [],
  customization: { mcp: null, skills: null, instructions: null, trust: null },
  hosts: ['api.openai.com:443', 'api.anthropic.com:443', 'generativelanguage.googleapis.com:443'],
};
