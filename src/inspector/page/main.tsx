/*! Made with preact, MIT License, Copyright (c) 2015-present Jason Miller */
import './page.css';
import { render } from 'preact';
import { App } from './app.tsx';
import { onKey } from './keyboard.ts';
import { routeOf } from './route.ts';
import { sourceOf } from './source.ts';
import { openStore } from './store.ts';

/** The page is a function of the events and the address; it is drawn once a frame, however many events came in between. */
const root = document.getElementById('app')!;
let isAsked = false;
const store = openStore(sourceOf(document), changed);

function changed(): void {
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(draw);
}

function draw(): void {
  isAsked = false;
  const shown = store.shown();
  render(<App store={store} shown={shown} route={routeOf(location.hash)} />, root);
  // What is drawn, for who watches the page from outside.
  root.dataset.index = String(shown.index);
  document.title = `${shown.state.name || 'agent-flow'} ${shown.state.runId}`.trim();
}

addEventListener('hashchange', changed);
addEventListener('keydown', event => {
  if (onKey(event, store, routeOf(location.hash))) event.preventDefault();
});
// While agents live, their times go on between events.
setInterval(() => {
  const { isLive, hasActiveEngine, state } = store.shown();
  if (isLive && hasActiveEngine && state.ended === null) changed();
}, 500);
changed();
