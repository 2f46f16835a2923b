/** An address as errors and logs may show it: without user and password, and without its query. */
export function shownUrl(text: string): string {
  if (!URL.canParse(text)) return text.replace(/\/\/[^/@]*@/, '//***@').replace(/\?.*$/s, '');
  const url = new URL(text);
  const hadUser = url.username !== '' || url.password !== '';
  const shown = `${url.protocol}//${hadUser ? '***@' : ''}${url.host}${url.pathname}`;
  return shown.replace(/\/+$/, '');
}
