/** The address of a database: one spelling for each part, and no password in any error. */
import { deepEqual, doesNotMatch, throws } from 'node:assert/strict'
import { StoreError } from '../../../src/store/port/errors.ts'
import { parseAddress } from '../../../src/store/postgres/address.ts'

describe('the address of a database', () => {
  it('has a user, a password, hosts, a database and the modes of TLS', () => {
    const plain = { rootCertificate: undefined, certificate: undefined, key: undefined }
    deepEqual(parseAddress('postgres://u:p%40%3A%2F@db.example/ledger'), {
      ...{ hosts: [{ host: 'db.example', port: 5432 }], user: 'u', password: 'p@:/', database: 'ledger', tlsMode: 'verify-full' },
      ...plain,
    })
    deepEqual(parseAddress('postgresql://u@a:1,[::1]:2,10.0.0.3/l%20x?sslmode=require&target_session_attrs=read-write'), {
      hosts: [
        { host: 'a', port: 1 },
        { host: '::1', port: 2 },
        { host: '10.0.0.3', port: 5432 },
      ],
      ...{ user: 'u', password: undefined, database: 'l x', tlsMode: 'require' },
      ...plain,
    })
    deepEqual(parseAddress('postgres://u@h/d?sslmode=verify-ca&sslrootcert=/r.pem&sslcert=/c.pem&sslkey=/k.pem'), {
      ...{ hosts: [{ host: 'h', port: 5432 }], user: 'u', password: undefined, database: 'd', tlsMode: 'verify-ca' },
      ...{ rootCertificate: '/r.pem', certificate: '/c.pem', key: '/k.pem' },
    })
  })

  it('is not encrypted by default on this machine, and verified everywhere else', () => {
    const modeOf = (hosts: string) => parseAddress(`postgres://u@${hosts}/d`).tlsMode
    deepEqual(['localhost', '127.0.0.1:5433', '[::1]', 'localhost,127.0.0.2'].map(modeOf), Array(4).fill('disable'))
    deepEqual(parseAddress('postgres://u@/d?host=/run/postgresql').hosts, [{ host: '/run/postgresql', port: 5432 }])
    deepEqual(['db', '10.0.0.1', 'localhost,db', 'localhost.example'].map(modeOf), Array(4).fill('verify-full'))
  })

  it('is refused with what is wrong, and without any part of it', () => {
    const wrong: [string, RegExp][] = [
      ['postgres://geheim:geheim@h', /names no database/],
      ['postgres://h/geheim', /names no user/],
      ['postgres://geheim:geheim@h:0/d', /port/],
      ['postgres://geheim:geheim@h:65536/d', /port/],
      ['postgres://geheim:geheim@h geheim/d', /host/],
      ['postgres://geheim:ge%heim@h/d', /%25/],
      ['postgres://geheim:gehe/im@h/d', /is not a postgres:/],
      ['postgres://geheim:gehe@im@h/d', /is not a postgres:/],
      ['postgres://geheim:geheim@h/d?geheim=geheim', /parameter other than/],
      ['postgres://geheim:geheim@h/d?sslmode=require&sslmode=disable', /twice/],
      ['postgres://geheim:geheim@h/d?sslmode=prefer', /sslmode other than/],
      ['postgres://geheim:geheim@h/d?sslcert=/geheim', /only one of/],
      ['postgres://geheim:geheim@h/d?host=/geheim', /hosts twice/],
      ['postgres://geheim:geheim@h/d?target_session_attrs=standby', /target_session_attrs/],
      ['postgres://geheim:geheim@/d', /host/],
      ['mysql://geheim:geheim@h/d', /is not a postgres:/],
    ]
    for (const [text, reason] of wrong) {
      throws(
        () => parseAddress(text),
        (error: StoreError) => {
          doesNotMatch(error.message + String(error.cause) + error.stack, /geheim/, text)
          return error instanceof StoreError && error.code === 'STORE_ADDRESS' && reason.test(error.message)
        },
        text,
      )
    }
  })
})
