import type { Terminal } from '@xterm/xterm';

/**
 * Send what the user types and pastes, in order. The terminal's own replies to escape sequences, which `onData` also
 * emits, are not sent: an agent could make it type.
 */
export function forwardTyping(terminal: Terminal, send: (keys: string) => Promise<unknown>): void {
  let waiting = '';
  let isSending = false;
  const go = async () => {
    if (isSending) return;
    isSending = true;
    while (waiting !== '') {
      const keys = waiting;
      waiting = '';
      await send(keys);
    }
    isSending = false;
  };
  const type = (keys: string) => {
    waiting += keys;
    void go();
  };
  terminal.onKey(({ key }) => type(key));
  terminal.textarea?.addEventListener(
    'paste',
    event => {
      event.preventDefault();
      event.stopImmediatePropagation();
      const text = event.clipboardData?.getData('text/plain') ?? '';
      type(text.replace(/\r?\n/g, '\r').replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, ''));
    },
    { capture: true },
  );
}
