// SPDX-FileCopyrightText: 2026 KI-Schleuse contributors
// SPDX-License-Identifier: EUPL-1.2

// Speaks the Model Context Protocol with the official TypeScript client, over
// streamable HTTP and with a key.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { run, url } from './run.mjs';

async function connect(key) {
  const client = new Client({ name: 'nodetest', version: '1' });
  const headers = { Authorization: `Bearer ${key}`, 'Schleuse-Case': '50.21/2026-004711' };
  await client.connect(new StreamableHTTPClientTransport(new URL(url + '/mcp'), { requestInit: { headers } }));
  return client;
}

const client = await connect(process.env.SCHLEUSE_KEY);
const text = (answer) => answer.content.map((c) => c.text ?? '').join('');

await run({
  async introduces() {
    assert.equal(client.getServerVersion().name, 'ki-schleuse');
    assert.ok(client.getServerCapabilities().tools);
    assert.match(client.getInstructions(), /Schleuse/);
  },
  async lists() {
    const { tools } = await client.listTools();
    const names = tools.map((t) => t.name);
    for (const name of ['vollstaendigkeit_pruefen', 'schreiben_entwerfen', 'akte_durchsuchen', 'normen_suchen', 'einordnen']) {
      assert.ok(names.includes(name), `${name} in ${names}`);
    }
    assert.ok(tools.every((t) => t.inputSchema.type === 'object' && t.description));
  },
  async checks() {
    const { service, application, date } = JSON.parse(readFileSync(process.env.SCHLEUSE_APPLICATION, 'utf8'));
    const answer = await client.callTool({ name: 'vollstaendigkeit_pruefen', arguments: { service, application, ...(date && { date }) } });
    assert.ok(!answer.isError, text(answer));
    assert.equal(JSON.parse(text(answer)).status, 'unvollstaendig');
    assert.match(answer._meta['schleuse/decision'], /^e-/);
  },
  async classifies() {
    const answer = await client.callTool({ name: 'einordnen', arguments: { purpose: 'social_scoring' } });
    assert.equal(JSON.parse(text(answer)).risk.class, 'prohibited');
  },
  async refuses() {
    const answer = await client.callTool({ name: 'schreiben_entwerfen', arguments: { kind: 'erfunden' } });
    assert.ok(answer.isError);
    assert.notEqual(text(answer), '');
    await assert.rejects(client.callTool({ name: 'gibt_es_nicht', arguments: {} }).then((a) => assert.ok(!a.isError)));
  },
  async needsKey() {
    await assert.rejects(connect('slz_test_falsch'));
  },
});
await client.close();
