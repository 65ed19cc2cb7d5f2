import type { Mark } from './drawing.ts';

/** Colours of marked boxes, legible on a light and on a dark page. */
export const colours: Readonly<Record<Mark, { readonly fill: string; readonly line: string }>> = {
  visited: { fill: '#d0ebff', line: '#1971c2' },
  current: { fill: '#ffec99', line: '#e67700' },
  waiting: { fill: '#f1f3f5', line: '#868e96' },
  running: { fill: '#ffec99', line: '#e67700' },
  succeeded: { fill: '#d3f9d8', line: '#2b8a3e' },
  failed: { fill: '#ffe3e3', line: '#c92a2a' },
  timedOut: { fill: '#ffe8cc', line: '#d9480f' },
  cancelled: { fill: '#e9ecef', line: '#495057' },
  skipped: { fill: '#f8f9fa', line: '#868e96' },
};
