/** Return bytes as the source of a reader or writer of tar streams. */
export async function* sourceOf(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}

/** Return the whole content of an entry, whose size the caller has checked. */
export async function contentBytes(content: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}
