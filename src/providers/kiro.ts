import { mcpServersIn } from './customization.ts';
import type { Provider } from './provider.ts';
import { wordsReport } from './words-report.ts';

export const kiro: Provider = {
  name: 'kiro',
  title: 'Kiro CLI',
  verified: false,
  program: 'kiro-cli',
  install: {
    script:
      'export HOME=/opt/kiro && mkdir -p $HOME && curl -fsSL https://cli.kiro.dev/install | bash && chmod -R go+rX $HOME && ln -sf $HOME/.local/bin/kiro-cli /usr/local/bin/kiro-cli',
  },
  headless: { args: ['chat', '--no-interactive', '--trust-all-tools'], prompt: 'stdin' },
  interactive: null,
  report: wordsReport,
  model: '--model',
  env: {},
  keys: ['KIRO_API_KEY'],
  aliases: {},
  passThroughEnv: [],
  endpoint: null,
  login: [],
  otherLogins: {
    variables: /^AWS_(PROFILE|ACCESS_KEY_ID|BEARER_TOKEN_[A-Z]+)$/,
    args: null,
    folder: '.local/share/kiro-cli',
    files: [],
  },
  settings: [],
  customization: {
    mcp: mcpServersIn('.kiro/settings/mcp.json'),
    skills: '.kiro/skills',
    instructions: '.kiro/steering/agent-flow.md',
    trust: null,
  },
};
