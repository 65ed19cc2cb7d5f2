/** Returns the title of an article as a part of its address: lower-case words with hyphens between them. */
export function slug(title) {
  return title.toLowerCase().replace(' ', '-');
}
