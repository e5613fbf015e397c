/** The configuration: defaults that work, and one clear sentence for each mistake. */
import { deepEqual, match, throws } from 'node:assert/strict'
import { ConfigError, readConfig } from '../src/config.ts'

const KEY = `0x${'ab'.repeat(32)}`

describe('config', () => {
  it('has a default for everything', () => {
    deepEqual(readConfig({ PATH: '/bin', OPENSEAL_API_KEY: 'x' }), {
      host: '127.0.0.1',
      port: 8080,
      dataDir: './data',
      erasureDelayMs: 86_400_000,
      suppressionMs: 63_115_200_000,
      origin: 'openseal.local/demo',
      rpcUrls: [],
      chainPort: 8545,
      anchorIntervalMs: 5000,
      anchorMinBatch: 1,
      anchorCeiling: { maxFeePerGas: 200_000_000_000n, maxPriorityFeePerGas: 20_000_000_000n },
      finality: 'finalized',
      production: false,
      startWithoutChain: false,
      trustedProxies: 0,
      addressRate: 200,
      keyRate: 1000,
      scrubRate: 500,
    })
  })

  it('anchors every ten minutes on a chain that costs something', () => {
    const config = readConfig({ OPENSEAL_RPC: 'https://a.example/key, http://b.example', OPENSEAL_ANCHOR_KEY: KEY })
    deepEqual(
      [config.rpcUrls, config.anchorIntervalMs, config.anchorSigner],
      [['https://a.example/key', 'http://b.example'], 600_000, { privateKey: KEY }],
    )
  })

  it('takes the endpoints for readers apart from its own', () => {
    const config = readConfig({ OPENSEAL_PUBLIC_RPC: 'https://a.example, http://b.example' })
    deepEqual([config.publicRpcUrls, config.rpcUrls], [['https://a.example', 'http://b.example'], []])
  })

  it('reads who signs, the ceiling of fees, the finality rule and whether the chain is production', () => {
    const rpc = { OPENSEAL_RPC: 'https://a.example' }
    for (const [env, signer] of [
      [{ OPENSEAL_ANCHOR_KEY_FILE: 'k' }, { keyFile: 'k' }],
      [
        { OPENSEAL_ANCHOR_KEYSTORE: 'k', OPENSEAL_ANCHOR_KEYSTORE_PASSWORD_FILE: 'p' },
        { keystore: 'k', passwordFile: 'p' },
      ],
      [{ OPENSEAL_ANCHOR_SIGNER: 'http://s.example' }, { signerUrl: 'http://s.example' }],
      [
        { OPENSEAL_ANCHOR_SIGNER: 'http://s.example', OPENSEAL_ANCHOR_ADDRESS: `0x${'AB'.repeat(20)}` },
        { signerUrl: 'http://s.example', address: `0x${'ab'.repeat(20)}` },
      ],
    ] as const)
      deepEqual(readConfig({ ...rpc, ...env }).anchorSigner, signer)
    const { anchorCeiling, finality, production } = readConfig({
      ...rpc,
      OPENSEAL_ANCHOR_KEY: KEY,
      OPENSEAL_ANCHOR_MAX_FEE: '0.05',
      OPENSEAL_ANCHOR_MAX_TIP: '1.000000001',
      OPENSEAL_FINALITY: '12',
      OPENSEAL_PRODUCTION: 'true',
    })
    deepEqual(
      [anchorCeiling, finality, production],
      [{ maxFeePerGas: 50_000_000n, maxPriorityFeePerGas: 1_000_000_001n }, { confirmations: 12 }, true],
    )
  })

  it('reads the public address, and the address at which the operator is answered', () => {
    for (const [text, url] of [
      ['https://ledger.example', 'https://ledger.example'],
      ['https://LEDGER.example:443/', 'https://ledger.example'],
      ['http://[::1]:8080', 'http://[::1]:8080'],
    ] as const)
      deepEqual(readConfig({ OPENSEAL_URL: text }).url, url)
    for (const [text, operator] of [
      ['127.0.0.1:9090', { host: '127.0.0.1', port: 9090 }],
      ['http://10.0.0.5:9090/', { host: '10.0.0.5', port: 9090 }],
      ['[::1]:0', { host: '::1', port: 0 }],
    ] as const)
      deepEqual(readConfig({ OPENSEAL_ADMIN: text }).operator, operator)
  })

  it('reads the operator’s pages and the file of their logo', () => {
    const { operatorLegalUrl, operatorPrivacyUrl, operatorLogo } = readConfig({
      OPENSEAL_OPERATOR_LEGAL_URL: 'https://City.example/impressum?a=1#b',
      OPENSEAL_OPERATOR_PRIVACY_URL: 'http://city.example',
      OPENSEAL_OPERATOR_LOGO: './logo.svg',
    })
    deepEqual(
      [operatorLegalUrl, operatorPrivacyUrl, operatorLogo],
      ['https://city.example/impressum?a=1#b', 'http://city.example/', './logo.svg'],
    )
  })

  it('reads the trust list, and endpoints for verification with their chains', () => {
    const { trustList, verifyRpc } = readConfig({
      OPENSEAL_TRUST_LIST: 'list.json',
      OPENSEAL_VERIFY_RPC: '1=https://a.example/key, 31337=http://127.0.0.1:8545',
    })
    deepEqual(
      [trustList, verifyRpc],
      [
        'list.json',
        [
          { url: 'https://a.example/key', serves: 1 },
          { url: 'http://127.0.0.1:8545', serves: 31337 },
        ],
      ],
    )
    for (const bad of ['https://a.example', '0=https://a.example', '1=ftp://a.example', '1=', '1=https://a.example,x'])
      throws(() => readConfig({ OPENSEAL_VERIFY_RPC: bad }), {
        code: 'CONFIG_MALFORMED',
        message: /^OPENSEAL_VERIFY_RPC .* is not a list such as/,
      })
  })

  it('reads times with their unit', () => {
    for (const [text, ms] of [
      ['250ms', 250],
      ['5s', 5000],
      ['10m', 600_000],
      ['2h', 7_200_000],
    ] as const)
      deepEqual(readConfig({ OPENSEAL_ANCHOR_INTERVAL: text }).anchorIntervalMs, ms)
  })

  it('takes an empty variable as left out', () => {
    deepEqual(readConfig({ OPENSEAL_PORT: '', OPENSEAL_RPC: '' }), readConfig({}))
  })

  for (const [env, code, sentence] of [
    [{ OPENSEAL_PROT: '1' }, 'CONFIG_UNKNOWN', /^OPENSEAL_PROT is not a setting of OpenSeal\. Did you mean OPENSEAL_PORT\?$/],
    [{ OPENSEAL_COLOUR_OF_PAGES: '1' }, 'CONFIG_UNKNOWN', /Known are OPENSEAL_HOST, /],
    [{ OPENSEAL_PORT: '80a' }, 'CONFIG_MALFORMED', /^OPENSEAL_PORT "80a" is not a port/],
    [{ OPENSEAL_OPERATOR_NAME: 'two\nlines' }, 'CONFIG_MALFORMED', /^OPENSEAL_OPERATOR_NAME .* is not a name of one line/],
    [{ OPENSEAL_OPERATOR_CONTACT: 'x'.repeat(201) }, 'CONFIG_MALFORMED', /^OPENSEAL_OPERATOR_CONTACT .* is not one line/],
    [{ OPENSEAL_OPERATOR_LEGAL_URL: '/legal' }, 'CONFIG_MALFORMED', /^OPENSEAL_OPERATOR_LEGAL_URL "\/legal" is not an http\(s\) address/],
    [{ OPENSEAL_OPERATOR_LEGAL_URL: 'javascript:alert(1)' }, 'CONFIG_MALFORMED', /^OPENSEAL_OPERATOR_LEGAL_URL/],
    [{ OPENSEAL_OPERATOR_PRIVACY_URL: 'https://a:b@c.example' }, 'CONFIG_MALFORMED', /without a user name/],
    [{ OPENSEAL_OPERATOR_PRIVACY_URL: `https://a.example/${'x'.repeat(1000)}` }, 'CONFIG_MALFORMED', /at most 1000 characters/],
    [{ OPENSEAL_EXPLORER: 'https://a.example/?q=' }, 'CONFIG_MALFORMED', /^OPENSEAL_EXPLORER .* is not the beginning of the http/],
    [{ OPENSEAL_EXPLORER: 'javascript:1' }, 'CONFIG_MALFORMED', /^OPENSEAL_EXPLORER/],
    [{ OPENSEAL_URL: 'ledger.example' }, 'CONFIG_MALFORMED', /^OPENSEAL_URL "ledger.example" is not the public address/],
    [{ OPENSEAL_URL: 'https://a.example/ledger' }, 'CONFIG_MALFORMED', /without a path/],
    [{ OPENSEAL_URL: 'https://a:b@a.example' }, 'CONFIG_MALFORMED', /^OPENSEAL_URL/],
    [{ OPENSEAL_ADMIN: '9090' }, 'CONFIG_MALFORMED', /^OPENSEAL_ADMIN "9090" is not an address to listen on/],
    [{ OPENSEAL_ADMIN: '127.0.0.1:99999' }, 'CONFIG_MALFORMED', /^OPENSEAL_ADMIN .* has no port/],
    [{ OPENSEAL_PORT: '65536' }, 'CONFIG_MALFORMED', /^OPENSEAL_PORT "65536" is not a port/],
    [{ OPENSEAL_HOST: 'a b' }, 'CONFIG_MALFORMED', /^OPENSEAL_HOST "a b" is not a host name/],
    [{ OPENSEAL_ORIGIN: 'two words' }, 'CONFIG_MALFORMED', /^OPENSEAL_ORIGIN "two words" is not a name/],
    [{ OPENSEAL_ORIGIN: 'a+b' }, 'CONFIG_MALFORMED', /^OPENSEAL_ORIGIN/],
    [{ OPENSEAL_STORE: 'mysql://x' }, 'CONFIG_MALFORMED', /^OPENSEAL_STORE is not a postgres/],
    [{ OPENSEAL_RPC: 'localhost:8545', OPENSEAL_ANCHOR_KEY: KEY }, 'CONFIG_MALFORMED', /^OPENSEAL_RPC is not one or more/],
    [{ OPENSEAL_RPC: 'http://a.example' }, 'CONFIG_INCOMPLETE', /^OPENSEAL_RPC needs a key that pays for anchors: OPENSEAL_ANCHOR_KEY, /],
    [{ OPENSEAL_CONTRACT: '0x12' }, 'CONFIG_MALFORMED', /^OPENSEAL_CONTRACT "0x12" is not a contract's address/],
    [{ OPENSEAL_ANCHOR_INTERVAL: '5' }, 'CONFIG_MALFORMED', /^OPENSEAL_ANCHOR_INTERVAL "5" is not a time/],
    [{ OPENSEAL_ANCHOR_INTERVAL: '1ms' }, 'CONFIG_MALFORMED', /is not between/],
    [{ OPENSEAL_ANCHOR_MIN_BATCH: '0' }, 'CONFIG_MALFORMED', /^OPENSEAL_ANCHOR_MIN_BATCH "0" is not/],
    [{ OPENSEAL_ANCHOR_KEYSTORE: 'k.json' }, 'CONFIG_INCOMPLETE', /belong together/],
    [{ OPENSEAL_ANCHOR_KEY: KEY, OPENSEAL_ANCHOR_KEYSTORE: 'k.json' }, 'CONFIG_INCOMPLETE', /not both/],
    [
      { OPENSEAL_ANCHOR_KEY_FILE: 'a', OPENSEAL_ANCHOR_SIGNER: 'http://a.example' },
      'CONFIG_INCOMPLETE',
      /OPENSEAL_ANCHOR_SIGNER, not both/,
    ],
    [{ OPENSEAL_ANCHOR_SIGNER: 'signer:9000' }, 'CONFIG_MALFORMED', /^OPENSEAL_ANCHOR_SIGNER is not the http\(s\) address of a signer/],
    [{ OPENSEAL_ANCHOR_ADDRESS: `0x${'ab'.repeat(20)}` }, 'CONFIG_INCOMPLETE', /^OPENSEAL_ANCHOR_ADDRESS is for OPENSEAL_ANCHOR_SIGNER/],
    [{ OPENSEAL_ANCHOR_MAX_FEE: '1e3' }, 'CONFIG_MALFORMED', /^OPENSEAL_ANCHOR_MAX_FEE "1e3" is not an amount of gwei/],
    [{ OPENSEAL_ANCHOR_MAX_TIP: '0.0' }, 'CONFIG_MALFORMED', /^OPENSEAL_ANCHOR_MAX_TIP "0.0" is zero/],
    [{ OPENSEAL_FINALITY: '0' }, 'CONFIG_MALFORMED', /^OPENSEAL_FINALITY "0" is neither 'finalized' nor a number/],
    [{ OPENSEAL_PRODUCTION: 'true' }, 'CONFIG_INCOMPLETE', /^OPENSEAL_PRODUCTION needs OPENSEAL_RPC/],
    [{ OPENSEAL_PRODUCTION: 'yes' }, 'CONFIG_MALFORMED', /^OPENSEAL_PRODUCTION "yes" is neither true nor false/],
    [{ OPENSEAL_OPERATOR_KEY: 'short' }, 'CONFIG_MALFORMED', /^OPENSEAL_OPERATOR_KEY is shorter/],
    [{ OPENSEAL_START_WITHOUT_CHAIN: 'yes' }, 'CONFIG_MALFORMED', /^OPENSEAL_START_WITHOUT_CHAIN "yes" is neither true nor false/],
  ] as const) {
    it(`refuses ${JSON.stringify(env)} with ${code}`, () => {
      throws(
        () => readConfig(env),
        (error: unknown) => {
          if (!(error instanceof ConfigError)) return false
          match(error.message, sentence)
          return error.code === code
        },
      )
    })
  }

  it('never repeats a secret in a message', () => {
    for (const env of [{ OPENSEAL_ANCHOR_KEY: '0xsecret' }, { OPENSEAL_OPERATOR_KEY: 'sec ret sec ret sec' }, { OPENSEAL_RPC: 'secret' }])
      throws(
        () => readConfig(env),
        (error: unknown) => error instanceof ConfigError && !error.message.includes('sec'),
      )
  })

  it('reports every mistake, one a line', () => {
    throws(
      () => readConfig({ OPENSEAL_PORT: 'x', OPENSEAL_CHAIN_PORT: 'y' }),
      (error: unknown) => error instanceof ConfigError && error.message.split('\n').length === 2,
    )
  })
})
