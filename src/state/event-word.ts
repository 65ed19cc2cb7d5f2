/** Return the name of an event in the journal: `createContainer done` for `xstate.done.actor.createContainer`; null for none. */
export function eventWord(type: string): string | null {
  const [, outcome, actor] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(type) ?? [];
  if (outcome) return `${actor} ${outcome === 'done' ? 'done' : 'failed'}`;
  return type === '' ? null : type.replace(/^xstate\./, '');
}
