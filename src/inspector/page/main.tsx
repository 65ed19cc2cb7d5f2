/*! Made with preact, MIT License, Copyright (c) 2015-present Jason Miller */
import './page.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { onKey } from './keyboard.ts';
import { routeOf } from './route.ts';
import { sourceOf } from './source.ts';
import { openStore } from './store.ts';

/** The page is a function of the events and the address, rendered at most once per frame. */
const root = document.getElementById('app')!;
let isScheduled = false;
const store = openStore(sourceOf(document), changed);

function changed(): void {
  if (isScheduled) return;
  isScheduled = true;
  requestAnimationFrame(draw);
}

function draw(): void {
  isScheduled = false;
  const shown = store.shown();
  render(<App store={store} shown={shown} route={routeOf(location.hash)} />, root);
  // For tests: the event that is shown.
  root.dataset.index = String(shown.index);
  document.title = `${shown.state.name || 'agent-flow'} ${shown.state.runId}`.trim();
}

addEventListener('hashchange', changed);
addEventListener('keydown', event => {
  if (onKey(event, store, routeOf(location.hash))) event.preventDefault();
});
// Durations of running agents change between events.
setInterval(() => {
  const { isLive, hasSupervisor, state } = store.shown();
  if (isLive && hasSupervisor && state.ended === null) changed();
}, 500);
changed();
