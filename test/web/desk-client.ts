/** A browser without JavaScript, as far as the desk needs one: it keeps cookies and sends forms. */
import { request } from 'node:http'

export type DeskAnswer = {
  readonly status: number
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined }
  readonly text: string
}

export type DeskClient = ReturnType<typeof createDeskClient>

/** Creates a browser with an empty cookie jar. */
export function createDeskClient(url: string, jar = new Map<string, string>()) {
  const { host, port, hostname } = new URL(url)
  const send = (method: string, path: string, headers: object, body?: string | Buffer) =>
    new Promise<DeskAnswer>((resolve, reject) => {
      const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
      const all = { host, ...(cookie !== '' && { cookie }), 'sec-fetch-site': 'same-origin', ...headers }
      const sent = request({ hostname, port, method, path, headers: all }, answer => {
        const chunks: Buffer[] = []
        answer.on('data', chunk => chunks.push(chunk)).on('error', reject)
        answer.on('end', () => {
          for (const line of answer.headers['set-cookie'] ?? []) {
            const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
            if (value === '') jar.delete(name)
            else jar.set(name, value)
          }
          resolve({ status: answer.statusCode!, headers: answer.headers, text: Buffer.concat(chunks).toString() })
        })
      })
      sent.on('error', reject)
      sent.end(body)
    })
  const get = (path: string, headers = {}) => send('GET', path, { accept: 'text/html', 'sec-fetch-site': 'none', ...headers })
  const post = (path: string, fields: { readonly [name: string]: string }, headers = {}) =>
    send(
      'POST',
      path,
      { accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded', ...headers },
      new URLSearchParams(fields).toString(),
    )

  return {
    jar,
    send,
    get,
    post,
    /** Sends the form of a page that goes to a path, with other or further fields. */
    submit: (page: DeskAnswer, path: string, fields: { readonly [name: string]: string } = {}, headers = {}) =>
      post(path, { ...fieldsOf(page, path), ...fields }, headers),
    /** Signs in by the page at a path, with a key. */
    async signIn(key: string, path = '/desk') {
      const place = path.startsWith('/operator') ? '/operator/sign-in' : '/desk/sign-in'
      return this.submit(await get(path), place, { key })
    },
  }
}

/** The fields of the form of a page that goes to a path, as the page fills them in. */
export function fieldsOf({ text }: DeskAnswer, path: string): { [name: string]: string } {
  const form = [...text.matchAll(/<form[^>]*action="([^"]*)"[\s\S]*?<\/form>/g)].find(([, action]) => action === path)?.[0]
  if (form === undefined) throw new Error(`no form goes to ${path} in ${text.slice(0, 3000)}`)
  const inputs = [...form.matchAll(/<input([^>]*)>/g)].flatMap(([, attributes = '']) => {
    const [name, value, type] = ['name', 'value', 'type'].map(key => new RegExp(`\\b${key}="([^"]*)"`).exec(attributes)?.[1])
    return name === undefined || type === 'file' || (type === 'checkbox' && !/\bchecked/.test(attributes))
      ? []
      : [[name, unescapeText(value ?? '')]]
  })
  const areas = [...form.matchAll(/<textarea[^>]*name="([^"]*)"[^>]*>([^<]*)</g)].map(([, name, value = '']) => [name, unescapeText(value)])
  const selects = [...form.matchAll(/<select[^>]*name="([^"]*)"[^>]*>([\s\S]*?)<\/select>/g)].map(([, name, options = '']) => {
    const value = /<option value="([^"]*)" selected/.exec(options) ?? /<option value="([^"]*)"/.exec(options)
    return [name, value?.[1] ?? '']
  })
  return Object.fromEntries([...inputs, ...areas, ...selects])
}

/** The text of a piece of a page. */
export function unescapeText(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}
