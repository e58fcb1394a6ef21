// A peer for test/e2e/peers_test.py on the package `ws` of Node.
//   node_peer.js client URL COUNT OPTIONS    prints COUNT messages as "text ..." or "binary <hex>", then sends OPTIONS.send
//   node_peer.js server OPTIONS              prints "port N", then what it gets; greets with OPTIONS.send
// OPTIONS is JSON: deflate, ca, cert, key (files), protocols, send.
'use strict';
const fs = require('fs'), http = require('http'), https = require('https'), WebSocket = require('ws');
const [role, ...rest] = process.argv.slice(2);
const options = JSON.parse(rest.pop() || '{}');
const file = name => options[name] && fs.readFileSync(options[name]);
const show = (data, binary) => console.log(binary ? 'binary ' + data.toString('hex') : 'text ' + data.toString());

if (role === 'client') {
  const [url, count] = rest;
  const socket = new WebSocket(url, options.protocols || [],
    {ca: file('ca'), cert: file('cert'), key: file('key'), perMessageDeflate: !!options.deflate});
  let left = Number(count);
  socket.on('open', () => {
    console.log(`open ${socket.extensions || '-'} ${socket.protocol || '-'}`);
    if (options.send) socket.send(options.send);
    if (left === 0) socket.close(1000, 'done');
  });
  socket.on('message', (data, binary) => { show(data, binary); if (--left === 0) socket.close(1000, 'done'); });
  socket.on('close', (code, reason) => console.log(`closed ${code} ${reason}`));
  socket.on('error', error => { console.log('error ' + error.message); process.exitCode = 1; });
} else {
  const server = options.cert
    ? https.createServer({cert: file('cert'), key: file('key'), ca: file('ca'), requestCert: !!options.ca, rejectUnauthorized: !!options.ca})
    : http.createServer();
  new WebSocket.Server({server, perMessageDeflate: options.deflate ? {threshold: 0} : false}).on('connection', socket => {
    console.log(`open ${socket.extensions || '-'} ${socket.protocol || '-'}`);
    socket.on('message', show);
    socket.on('close', (code, reason) => console.log(`closed ${code} ${reason}`));
    if (options.send) socket.send(options.send);
  });
  server.listen(0, '127.0.0.1', () => console.log('port ' + server.address().port));
}
