import '@xterm/xterm/css/xterm.css';
import { SearchAddon } from '@xterm/addon-search';
import { Terminal } from '@xterm/xterm';

/** A separate script: it is most of the page's size, and needed last. */
Object.assign(globalThis, { agentFlowXterm: { SearchAddon, Terminal } });
dispatchEvent(new Event('xterm'));
