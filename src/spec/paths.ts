/** Whether `path` is `place`, or lies below it. Both are absolute and normalized; no link is resolved. */
export const isWithin = (path: string, place: string): boolean =>
  path === place || path.startsWith(place === '/' ? place : `${place}/`);
