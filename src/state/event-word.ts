/** `xstate.done.actor.createContainer` is `createContainer done`, as in the journal; what needs no event is null. */
export function eventWord(type: string): string | null {
  const [, outcome, actor] = /^xstate\.(done|error)\.actor\.(.+)$/.exec(type) ?? [];
  if (outcome) return `${actor} ${outcome === 'done' ? 'done' : 'failed'}`;
  return type === '' ? null : type.replace(/^xstate\./, '');
}
