import type { Grant } from './grants.ts';

/**
 * Return the content of a request's header with the secret in it, if it has the placeholder of a secret for this header. In
 * Basic credentials, such as those of git, only the placeholder itself is replaced.
 */
export function fillHeader(name: string, content: string, grants: readonly Grant[]): string {
  for (const grant of grants) {
    const { header, template } = parseHeader(grant.header);
    if (header.toLowerCase() !== name.toLowerCase()) continue;
    if (content.includes(grant.placeholder)) return template.replace('$', () => grant.value);
    const basic = fillBasic(content, grant);
    if (basic !== null) return basic;
  }
  return content;
}

/** Split `Name: template`. The schema of specs has validated it. */
function parseHeader(text: string): { readonly header: string; readonly template: string } {
  const colon = text.indexOf(':');
  return { header: text.slice(0, colon), template: text.slice(colon + 1).trim() };
}

function fillBasic(content: string, { placeholder, value }: Grant): string | null {
  const encoded = /^basic +([a-z0-9+/=]+)$/i.exec(content)?.[1];
  if (encoded === undefined) return null;
  const credentials = Buffer.from(encoded, 'base64').toString();
  const colon = credentials.indexOf(':');
  const parts = [credentials.slice(0, colon), credentials.slice(colon + 1)];
  if (colon < 0 || !parts.includes(placeholder)) return null;
  const filled = parts.map(part => (part === placeholder ? value : part)).join(':');
  return `Basic ${Buffer.from(filled).toString('base64')}`;
}
