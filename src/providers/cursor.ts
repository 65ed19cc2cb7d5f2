import { mcpServersIn } from './customization.ts';
import type { Provider } from './provider.ts';
import { wordsReport } from './words-report.ts';

export const cursor: Provider = {
  name: 'cursor',
  title: 'Cursor CLI',
  verified: false,
  program: 'cursor-agent',
  install: {
    script:
      'export HOME=/opt/cursor && mkdir -p $HOME && curl https://cursor.com/install -fsS | bash && chmod -R go+rX $HOME && ln -sf $HOME/.local/bin/cursor-agent /usr/local/bin/cursor-agent',
  },
  headless: { args: ['--print', '--trust', '--force'], prompt: 'stdin' },
  interactive: null,
  report: wordsReport,
  model: '--model',
  env: { NO_OPEN_BROWSER: '1' },
  keys: ['CURSOR_API_KEY'],
  aliases: {},
  passThroughEnv: [],
  endpoint: null,
  login: ['.config/cursor/auth.json'],
  otherLogins: {
    variables: /^CURSOR_AUTH_TOKEN$/,
    args: /^(-a|--api-key\b|-e|--endpoint\b)/,
    folder: '.config/cursor',
    files: [],
  },
  settings: [],
  customization: {
    mcp: { ...mcpServersIn('.cursor/mcp.json'), args: ['--approve-mcps'] },
    skills: '.cursor/skills',
    instructions: null,
    trust: null,
  },
};
