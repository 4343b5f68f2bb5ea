// Tries the features of suite.sh with MQTT.js: mqttjs.js URL WEBSOCKET-URL TLS-URL CA
// Prints one line for each feature: its name, ok or FAIL, and what went wrong, separated by tabs.
import { readFileSync } from 'node:fs'
import mqtt from 'mqtt'

const [url, wsUrl, tlsUrl, ca] = process.argv.slice(2)
const patience = 15000
const wait = ms => new Promise(resolve => setTimeout(resolve, ms))
const open = new Set()

class Client {
  constructor (protocolVersion, options = {}, at = url) {
    this.inbox = []
    this.waiting = []
    this.mqtt = mqtt.connect(at, {
      protocolVersion,
      protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
      reconnectPeriod: 0,
      connectTimeout: 5000,
      ...options
    })
    open.add(this)
    this.mqtt.on('message', (topic, payload, packet) => {
      const receiver = this.waiting.shift()
      receiver ? receiver(packet) : this.inbox.push(packet)
    })
    this.ready = new Promise((resolve, reject) => {
      this.mqtt.once('connect', resolve)
      this.mqtt.once('error', reject)
      this.mqtt.once('close', () => reject(new Error('closed before CONNACK')))
    })
    this.ready.catch(() => {})
    this.closed = new Promise(resolve => this.mqtt.once('close', resolve))
  }

  async subscribe (filter, qos, options = {}) {
    const [grant] = await this.mqtt.subscribeAsync(filter, { qos, ...options })
    if (grant.qos !== qos) throw new Error(`granted ${grant.qos}, wanted ${qos}`)
  }

  publish (topic, payload, qos, options = {}) {
    return this.mqtt.publishAsync(topic, payload, { qos, ...options })
  }

  next () {
    if (this.inbox.length) return Promise.resolve(this.inbox.shift())
    return new Promise(resolve => this.waiting.push(resolve))
  }

  async expect (payload, qos) {
    const packet = await this.next()
    if (String(packet.payload) !== payload || packet.qos !== qos) {
      throw new Error(`got ${String(packet.payload).slice(0, 20)} at QoS ${packet.qos}, wanted ${payload.slice(0, 20)} at QoS ${qos}`)
    }
    return packet
  }

  async quiet () {
    await wait(500)
    if (this.inbox.length) throw new Error(`${String(this.inbox[0].payload).slice(0, 20)} came, which should not`)
  }

  end () { return this.mqtt.endAsync() }
  die () { this.mqtt.stream.destroy() }
}

async function connect (version, options, at) {
  const client = new Client(version, options, at)
  client.connack = await client.ready
  return client
}

async function pair (version, topic, qos) {
  const [sub, pub] = [await connect(version), await connect(version)]
  await sub.subscribe(topic, qos)
  return [sub, pub]
}

const qos = level => async (v, topic) => {
  const [sub, pub] = await pair(v, topic, level)
  for (const payload of ['one', '', 'three 3']) {
    await pub.publish(topic, payload, level)
    await sub.expect(payload, level)
  }
}

const session = level => async (v, topic) => {
  const keep = { clientId: `js${Math.random()}`.slice(0, 20), clean: false, ...(v === 5 && { properties: { sessionExpiryInterval: 600 } }) }
  const first = await connect(v, keep)
  await first.subscribe(topic, level)
  await first.end()
  const pub = await connect(v)
  for (const n of ['1', '2', '3']) await pub.publish(topic, n, level)
  const back = await connect(v, keep)
  if (!back.connack.sessionPresent) throw new Error('the session was not present')
  for (const n of ['1', '2', '3']) await back.expect(n, level)
  await back.quiet()
}

const flood = (level, count) => async (v, topic) => {
  const [sub, pub] = await pair(v, topic, level)
  // The library leaves the server's Receive Maximum to its caller [MQTT-3.3.4-7].
  const window = Math.min(pub.connack.properties?.receiveMaximum ?? 500, 500)
  for (let n = 0; n < count;) {
    const sent = []
    for (; n < count && sent.length < window; n++) sent.push(pub.publish(topic, String(n), level))
    await Promise.all(sent)
  }
  for (let n = 0; n < count; n++) await sub.expect(String(n), level)
}

async function keepalive (v, topic) {
  const sub = await connect(v, { keepalive: 1 })
  await sub.subscribe(topic, 0)
  await wait(3200)
  await sub.publish(topic, 'late', 0)
  await sub.expect('late', 0)
}

async function password (v) {
  await connect(v, { username: 'interop', password: 'secret' })
  try {
    await connect(v, { username: 'interop', password: 'wrong' })
  } catch (refused) {
    if (![4, 5, 0x86, 0x87].includes(refused.code)) throw refused
    return
  }
  throw new Error('a wrong password was accepted')
}

async function filters (v, topic) {
  const [sub, pub] = await pair(v, `${topic}/+/z`, 1)
  await sub.subscribe(`${topic}/deep/#`, 1)
  for (const [n, path] of ['1/z', '2/y', '1/2/z', 'deep', 'deep/er/still', 'end/z'].entries()) {
    await pub.publish(`${topic}/${path}`, String(n), 1)
  }
  for (const n of [0, 3, 4, 5]) await sub.expect(String(n), 1)
}

async function utf8 (v, topic) {
  const [sub, pub] = await pair(v, `${topic}/+/ö`, 1)
  await pub.publish(`${topic}/wasser 💧/ö`, 'grün', 1)
  await sub.expect('grün', 1)
}

async function retained (v, topic) {
  const [pub, sub, late] = [await connect(v), await connect(v), await connect(v)]
  await pub.publish(topic, 'kept', 1, { retain: true })
  await sub.subscribe(topic, 1)
  if (!(await sub.expect('kept', 1)).retain) throw new Error('retain is not set on a retained message')
  await pub.publish(topic, '', 1, { retain: true })
  if ((await sub.expect('', 1)).retain) throw new Error('retain is set on a live message')
  await late.subscribe(topic, 1)
  await late.quiet()
}

async function takeover (v) {
  const clientId = `js-twin-${process.pid}-${v}`
  const first = await connect(v, { clientId })
  await connect(v, { clientId })
  await first.closed
}

async function will (v, topic) {
  const [watch, pub] = await pair(v, topic, 1)
  const options = { will: { topic, payload: Buffer.from('last words'), qos: 1, retain: false } }
  await (await connect(v, options)).end()
  await pub.publish(topic, 'marker', 1)
  await watch.expect('marker', 1)
  ;(await connect(v, options)).die()
  await watch.expect('last words', 1)
}

async function large (v, topic) {
  const [sub, pub] = await pair(v, topic, 1)
  const payload = '0123456789abcdef'.repeat(65536)
  await pub.publish(topic, payload, 1)
  await sub.expect(payload, 1)
}

async function shared (v, topic) {
  const members = [await connect(v), await connect(v)]
  for (const member of members) await member.subscribe(`$share/js/${topic}`, 1)
  const numbers = ['0', '1', '2', '3', '4', '5', '6', '7']
  const pub = await connect(v)
  for (const n of numbers) await pub.publish(topic, n, 1)
  while (members[0].inbox.length + members[1].inbox.length < numbers.length) await wait(20)
  await wait(100)
  const all = members.flatMap(m => m.inbox.map(p => String(p.payload))).sort()
  if (all.join() !== numbers.join()) throw new Error(`the group got ${all}`)
  if (members.some(m => m.inbox.length === 0)) throw new Error('one member got all')
}

async function properties (v, topic) {
  const [sub, pub] = await pair(v, topic, 1)
  const sent = {
    contentType: 'text/plain',
    responseTopic: 'answer/here',
    correlationData: Buffer.from([0, 1, 255]),
    payloadFormatIndicator: true,
    userProperties: { a: ['1', '2'], b: '3' }
  }
  await pub.publish(topic, 'x', 1, { properties: sent })
  const got = (await sub.expect('x', 1)).properties
  for (const name in sent) {
    if (JSON.stringify(got?.[name]) !== JSON.stringify(sent[name])) {
      throw new Error(`${name}: ${JSON.stringify(got?.[name])}, not ${JSON.stringify(sent[name])}`)
    }
  }
}

async function alias (v, topic) {
  const sub = await connect(v)
  await sub.subscribe(topic, 1)
  const pub = await connect(v, { autoAssignTopicAlias: true, autoUseTopicAlias: true })
  for (const n of ['1', '2', '3']) await pub.publish(topic, n, 1)
  for (const n of ['1', '2', '3']) await sub.expect(n, 1)
}

async function subscriptionId (v, topic) {
  const sub = await connect(v)
  await sub.subscribe(topic, 1, { properties: { subscriptionIdentifier: 7 } })
  await sub.publish(topic, 'x', 1)
  const id = (await sub.expect('x', 1)).properties?.subscriptionIdentifier
  if (String(id) !== '7') throw new Error(`the identifier was ${id}`)
}

const ws = size => async (v, topic) => {
  if (!wsUrl) throw new Error('no WebSocket listener')
  const client = await connect(v, {}, wsUrl)
  await client.subscribe(topic, 1)
  const payload = 'x'.repeat(size)
  await client.publish(topic, payload, 1)
  await client.expect(payload, 1)
}

async function tls (v, topic) {
  const client = await connect(v, { ca: readFileSync(ca) }, tlsUrl)
  await client.subscribe(topic, 1)
  await client.publish(topic, 'x', 1)
  await client.expect('x', 1)
  const trusted = await connect(v, {}, tlsUrl).then(() => true, () => false)
  if (trusted) throw new Error('a certificate of an unknown authority was accepted')
}

const both = [4, 5]
const features = [
  ['qos0', [3, 4, 5], qos(0)], ['qos1', [3, 4, 5], qos(1)], ['qos2', [3, 4, 5], qos(2)],
  ['keepalive', both, keepalive], ['password', both, password],
  ['filters', [4], filters], ['utf8', [4], utf8], ['retained', both, retained],
  ['session', both, session(1)], ['session-qos2', both, session(2)],
  ['takeover', both, takeover], ['will', both, will], ['large', both, large],
  ['flood-qos1', both, flood(1, 3000)], ['flood-qos2', [5], flood(2, 1500)],
  ['shared', both, shared], ['properties', [5], properties], ['alias', [5], alias],
  ['subscription-id', [5], subscriptionId], ['ws', both, ws(1)], ['ws-large', [4], ws(524288)],
  ['tls', both, tls]
]
const words = { 3: '3.1', 4: '3.1.1', 5: '5' }

for (const [name, versions, ask] of features) {
  for (const v of versions) {
    let timer
    const late = new Promise((resolve, reject) => { timer = setTimeout(() => reject(new Error('it took too long')), patience) })
    let verdict = 'ok\t'
    try {
      await Promise.race([ask(v, `interop/js/${process.pid}/${name}/${v}`), late])
    } catch (err) {
      verdict = `FAIL\t${err.message}`
    }
    clearTimeout(timer)
    console.log(`${name}:${words[v]}\t${verdict}`)
    for (const client of open) client.mqtt.end(true)
    open.clear()
  }
}
process.exit(0)
