/** Return whether `path` is `place`, or is below it. Both are absolute and normalized; links are not resolved. */
export const isWithin = (path: string, place: string): boolean =>
  path === place || path.startsWith(place === '/' ? place : `${place}/`);
