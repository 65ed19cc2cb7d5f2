import '@xterm/xterm/css/xterm.css';
import { SearchAddon } from '@xterm/addon-search';
import { Terminal } from '@xterm/xterm';

/** A program of its own beside the page: most of its weight, and needed last. */
Object.assign(globalThis, { agentFlowXterm: { SearchAddon, Terminal } });
dispatchEvent(new Event('xterm'));
