// What AsyncAPI's own parser reads in a document: node check.cjs PARSER_FOLDER FILE
//
// Prints one JSON object: the diagnostics (severity 0 is an error, 1 a warning, 2 and 3 are remarks), and, if it is a
// document, its channels, operations and messages as the parser's model has them.
const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const [folder, file] = process.argv.slice(2);
const { Parser } = createRequire(path.join(path.resolve(folder), 'package.json'))('@asyncapi/parser');

function operation(own) {
  const ids = (messages) => messages.all().map((message) => message.id());
  const reply = own.reply();
  return {
    id: own.id(),
    action: own.action(),
    addresses: own.channels().all().map((channel) => channel.address()),
    messages: ids(own.messages()),
    queue: own.bindings().get('nats')?.value().queue ?? null,
    reply: reply && {
      location: reply.address().location(),
      address: reply.channel().address() ?? null,
      messages: ids(reply.messages()),
    },
  };
}

function message(own) {
  const headers = own.headers();
  const payload = own.payload()?.json();
  return {
    id: own.id(),
    contentType: own.contentType(),
    headers: headers ? Object.keys(headers.properties()) : [],
    format: payload?.schemaFormat ?? null,
    schema: payload?.schema ?? null,
  };
}

async function main() {
  const { document, diagnostics } = await new Parser().parse(fs.readFileSync(file, 'utf8'));
  const read = { diagnostics: diagnostics.map(({ severity, code, message, path }) => ({ severity, code, message, path })) };
  if (document) {
    read.title = document.info().title();
    read.channels = document.channels().all().map((channel) => ({
      id: channel.id(),
      address: channel.address() ?? null,
      parameters: channel.parameters().all().map((parameter) => parameter.id()),
    }));
    read.operations = document.operations().all().map(operation);
    read.messages = document.components().messages().all().map(message);
  }
  process.stdout.write(JSON.stringify(read));
}

main();
