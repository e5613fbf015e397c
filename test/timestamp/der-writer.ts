/** Writes DER for tests, right and wrong. */

/** One element: an identifier octet and its content. */
export function element(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const bytes =
    length < 0x80
      ? [length]
      : length < 0x100
        ? [0x81, length]
        : length < 0x10000
          ? [0x82, length >> 8, length & 255]
          : [0x83, length >> 16, (length >> 8) & 255, length & 255]
  return Buffer.concat([Uint8Array.of(tag, ...bytes), content])
}

export const sequence = (...parts: readonly Uint8Array[]) => element(0x30, ...parts)
/** DER sorts a SET OF. */
export const set = (...parts: readonly Uint8Array[]) => element(0x31, ...parts.toSorted(Buffer.compare))
export const octets = (bytes: Uint8Array) => element(0x04, bytes)
export const bits = (bytes: Uint8Array, unused = 0) => element(0x03, Uint8Array.of(unused), bytes)
export const boolean = (value: boolean) => element(0x01, Uint8Array.of(value ? 255 : 0))
export const none = () => element(0x05)
export const tagged = (number: number, ...parts: readonly Uint8Array[]) => element(0xa0 + number, ...parts)
export const text = (value: string) => element(0x0c, Buffer.from(value))

export function integer(value: number | Uint8Array): Buffer {
  const bytes =
    typeof value === 'number' ? Buffer.from(value.toString(16).padStart(value < 16 ** 2 ? 2 : 8, '0'), 'hex') : Buffer.from(value)
  const start = bytes.findIndex(byte => byte !== 0)
  const short = bytes.subarray(start < 0 ? bytes.length - 1 : start)
  return element(0x02, short[0]! >= 0x80 ? Uint8Array.of(0) : Uint8Array.of(), short)
}

export function oid(name: string): Buffer {
  const [a = 0, b = 0, ...rest] = name.split('.').map(Number)
  const arcs = [a * 40 + b, ...rest].flatMap(arc => {
    const digits = [arc % 128]
    for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) + 128)
    return digits
  })
  return element(0x06, Uint8Array.from(arcs))
}

/** GeneralizedTime of Unix seconds, with a fraction if one is given. */
export function generalizedTime(seconds: number, fraction = ''): Buffer {
  const digits = new Date(seconds * 1000).toISOString().replace(/\D/g, '').slice(0, 14)
  return element(0x18, Buffer.from(`${digits}${fraction}Z`))
}
