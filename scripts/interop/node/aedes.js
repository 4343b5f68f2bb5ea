// A small server on Aedes for scripts/interop.sh: aedes.js PORT WEBSOCKET-PORT TLS-PORT PEM
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { createServer as createHttpServer } from 'node:http'
import { Aedes } from 'aedes'
import { WebSocketServer, createWebSocketStream } from 'ws'

const [port, wsPort, tlsPort] = process.argv.slice(2, 5).map(Number)
const pem = readFileSync(process.argv[5])
const broker = await Aedes.createBroker({
  authenticate (client, username, password, done) {
    const wrong = username === 'interop' && String(password) !== 'secret'
    // Code 4 of 3.1.1: bad user name or password.
    done(wrong ? Object.assign(new Error('wrong password'), { returnCode: 4 }) : null, !wrong)
  }
})
createServer(broker.handle).listen(port, '127.0.0.1')
createTlsServer({ cert: pem, key: pem }, broker.handle).listen(tlsPort, '127.0.0.1')

const http = createHttpServer()
new WebSocketServer({
  server: http,
  handleProtocols: protocols => protocols.has('mqtt') ? 'mqtt' : protocols.has('mqttv3.1') ? 'mqttv3.1' : false
}).on('connection', (socket, request) => {
  const stream = createWebSocketStream(socket)
  stream.on('error', () => {})
  broker.handle(stream, request)
})
http.listen(wsPort, '127.0.0.1')
