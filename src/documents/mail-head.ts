/** Recognises an e-mail by its headers, before the reader of e-mails is loaded. */

const HEADER = /^[!-9;-~]+:/

/** Whether a file begins with the headers of a mail. */
export function isMail(name: string, head: Uint8Array): boolean {
  const [headers = ''] = new TextDecoder('latin1').decode(head).split(/\r?\n\r?\n/)
  if (!HEADER.test(headers)) return false
  return /\.eml$/i.test(name) || (/^message-id:/im.test(headers) && /^from:/im.test(headers) && /^date:/im.test(headers))
}
